"""Debug files: written by us, or made by the compiler of this machine."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from struct import pack
from uuid import UUID

import pytest

from sentrylite.organizations.models import Project
from sentrylite.symbols import uploads
from sentrylite.symbols.models import DebugFile

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")

DEBUG_ID = "c22813ac-7d10-1e2f-f13e-f5d6e2a0bdc2"
CODE_ID = "ac1328c2107d2f1ef13ef5d6e2a0bdc2"
BREAKPAD = b"""\
MODULE Linux x86_64 C22813AC7D101E2FF13EF5D6E2A0BDC20 shop
INFO CODE_ID AC1328C2107D2F1EF13EF5D6E2A0BDC2
FILE 0 /src/cart.cpp
FUNC 1000 20 0 shop::Cart::total(int)
1000 10 7 0
1010 10 9 0
FUNC 1020 10 0 main
1020 10 20 0
PUBLIC 2000 0 _start
"""

MAPPING_ID = "06691ff4-1c72-5d82-acfe-5abc41b7d292"
MAPPING = b"""\
# compiler: R8
com.shop.Cart -> a.a.b:
# {"id":"sourceFile","fileName":"Cart.kt"}
    1:1:int priceOf(java.lang.String):21:21 -> a
    2:2:int com.shop.Prices.discounted(int):5:5 -> a
    2:2:int priceOf(java.lang.String):23 -> a
    int total() -> b
com.shop.PriceError -> a.a.c:
"""

PROGRAM = """\
#include <stdlib.h>
namespace shop {
class Cart { public: int total(int n); };
static inline __attribute__((always_inline)) int price(int n) {
  if (n > 3)
    abort();
  return n * 2;
}
__attribute__((noinline)) int Cart::total(int n) {
  return price(n) + 1;
}
}
int main(int count, char **) {
  shop::Cart cart;
  return cart.total(count) + 1;
}
"""


def mach_o() -> bytes:
    """A library for x86_64 with one symbol: `total`, at 0x1000."""
    text, names = b"\x90" * 32, b"\0_total\0\0"
    begin = 32 + 152 + 24 + 24
    end = begin + len(text)
    return b"".join(
        (
            pack("<8I", 0xFEEDFACF, 0x01000007, 3, 6, 3, 152 + 24 + 24, 0, 0),
            pack("<II16s4Q4I", 0x19, 152, b"__TEXT", 0, 0x2000, 0, end, 7, 5, 1, 0),
            pack("<16s16s2Q8I", b"__text", b"__TEXT", 0x1000, 32, begin, 4, 0, 0, 1 << 31, 0, 0, 0),
            pack("<II16s", 0x1B, 24, UUID(DEBUG_ID).bytes),
            pack("<6I", 0x02, 24, end, 1, end + 16, len(names)),
            text,
            pack("<IBBHQ", 1, 0x0F, 1, 0, 0x1000),
            names,
        )
    )


def wasm() -> bytes:
    """A module with one function: `total`, whose code is at 0x16."""

    def section(number: int, content: bytes) -> bytes:
        return bytes((number, len(content))) + content

    return b"".join(
        (
            b"\0asm\1\0\0\0",
            section(1, b"\1\x60\0\0"),
            section(3, b"\1\0"),
            section(10, b"\1\2\0\x0b"),
            section(0, b"\x08build_id" + UUID(DEBUG_ID).bytes),
            section(0, b"\x04name" + section(1, b"\1\0\5total")),
        )
    )


def pe() -> bytes:
    """A library for x86_64 that exports one function: `total`, at 0x1100."""
    begin, address, size = 0x200, 0x1000, 0x200
    exports = address + 0x80
    code_view = b"RSDS" + UUID(DEBUG_ID).bytes_le + pack("<I", 0) + b"shop.pdb\0"
    body = pack("<IIHHIIII", 0, 0, 0, 0, 2, len(code_view), address + 28, begin + 28) + code_view
    body = body.ljust(exports - address, b"\0")
    body += pack(
        "<IIHH7I", 0, 0, 0, 0, exports + 60, 1, 1, 1, exports + 40, exports + 44, exports + 48
    )
    body += pack("<3I", 0x1100, exports + 52, 0) + b"total\0\0\0" + b"shop.dll\0"
    places = [(exports, 69)] + [(0, 0)] * 5 + [(address, 28)] + [(0, 0)] * 9
    optional = b"".join(
        (
            pack("<HBB5I", 0x20B, 14, 0, 0, size, 0, 0, address),
            pack(
                "<QII6H4I2H",
                0x180000000,
                0x1000,
                begin,
                6,
                0,
                0,
                0,
                6,
                0,
                0,
                0x2000,
                begin,
                0,
                3,
                0,
            ),
            pack("<4Q2I", 0x100000, 0x1000, 0x100000, 0x1000, 0, len(places)),
            *(pack("<II", *place) for place in places),
        )
    )
    headers = b"".join(
        (
            b"MZ".ljust(60, b"\0") + pack("<I", 64),
            b"PE\0\0" + pack("<HHIIIHH", 0x8664, 1, 0x5F000000, 0, 0, len(optional), 0x2022),
            optional,
            pack("<8s6IHHI", b".rdata", size, address, size, begin, 0, 0, 0, 0, 0x40000040),
        )
    )
    return headers.ljust(begin, b"\0") + body.ljust(size, b"\0")


def compiled(directory: Path) -> Path:
    """PROGRAM with its debug information."""
    source, program = directory / "shop.cpp", directory / "shop"
    source.write_text(PROGRAM)
    subprocess.run(["g++", "-g", "-O1", "-o", program, source], check=True)
    return program


def address_of(program: Path, symbol: str) -> int:
    names = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[0], 16) for line in names.splitlines() if line.endswith(symbol))


def source_bundle(files: Mapping[str, bytes], debug_id: str = DEBUG_ID) -> bytes:
    """Sources by the paths that they were compiled from, as clients bundle them."""
    described = {
        f"files/{number}": {"type": "source", "path": path} for number, path in enumerate(files)
    }
    manifest = {"debug_id": debug_id, "object_name": "shop", "arch": "x86_64", "files": described}
    content = io.BytesIO(b"SYSB" + (2).to_bytes(4, "little"))
    content.seek(0, io.SEEK_END)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", json.dumps(manifest))
        for place, data in zip(described, files.values(), strict=True):
            made.writestr(place, data)
    return content.getvalue()


def zipped(files: Mapping[str, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    content.seek(0)
    return content


def upload(project: Project, content: bytes, name: str, now: datetime) -> DebugFile:
    (file,) = uploads.add_upload(project, io.BytesIO(content), name, now)
    return file
