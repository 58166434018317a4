"""Debug files: written by us, or made by the compiler of this machine."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

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
