"""Events of compiled programs, and what was uploaded for them."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from issues.payload.event import Sender, Uploads
from issues.payload.normalize import normalize
from issues.symbolication import Symbolicator, may_have_symbols
from sentrylite.files import store
from sentrylite.organizations.models import Project
from sentrylite.symbols.models import DebugFile
from tests import debug_files, factories
from tests.debug_files import BREAKPAD, CODE_ID, DEBUG_ID, MAPPING, MAPPING_ID, upload

pytestmark = pytest.mark.django_db

ALL = Uploads(debug_files=True)
BASE = 0x400000
PE_CODE_ID = "5F0000002000"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def symbolicate(project: Project, clock: Clock) -> Iterator[Callable[..., dict[str, Any]]]:
    """`symbolicate(raw)`: what becomes of an SDK's event."""
    symbolicator = Symbolicator(clock=clock)

    def symbolicate(raw: dict[str, Any], seconds: float = 10.0) -> dict[str, Any]:
        event = normalize(raw, now=time.time(), sender=Sender())
        symbolicator.symbolicate(
            event, project_id=project.pk, uploads=ALL, until=clock.now + seconds
        )
        return event

    yield symbolicate
    symbolicator.close()


def crash(*addresses: int, **image: Any) -> dict[str, Any]:
    shop = {
        "type": "elf",
        "debug_id": DEBUG_ID,
        "code_file": "/opt/shop",
        "image_addr": hex(BASE),
        **image,
    }
    frames = [{"instruction_addr": hex(BASE + address)} for address in addresses]
    return {
        "platform": "native",
        "debug_meta": {"images": [shop]},
        "exception": {"values": [{"type": "SIGABRT", "stacktrace": {"frames": frames}}]},
    }


def located(event: dict[str, Any]) -> list[tuple[str | None, str | None, int | None]]:
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    return [(each.get("function"), each.get("filename"), each.get("lineno")) for each in frames]


SHOP = [("main", "cart.cpp", 20), ("shop::Cart::total(int)", "cart.cpp", 9)]


def test_a_breakpad_file_says_what_addresses_mean(project, now, symbolicate):
    upload(project, BREAKPAD, "shop.sym", now)

    assert located(symbolicate(crash(0x1025, 0x1012))) == SHOP


@debug_files.needs_compiler
def test_a_program_says_what_addresses_mean(project, now, symbolicate, tmp_path: Path):
    program = debug_files.compiled(tmp_path)
    file = upload(project, program.read_bytes(), "shop", now)
    total = debug_files.address_of(program, "totalEi")

    # Where it is called from does not matter: it begins with what was inlined.
    found = located(symbolicate(crash(total, debug_id=file.debug_id)))

    assert found[0][:2] == ("shop::Cart::total(int)", "shop.cpp")
    assert found[-1][0] == "price"
    assert (file.format, file.features) == ("elf", ["debug", "symtab", "unwind"])


@pytest.mark.parametrize(
    "image",
    [
        {"debug_id": DEBUG_ID.upper()},
        {"debug_id": DEBUG_ID.replace("-", "")},
        {"debug_id": f"{DEBUG_ID}-0"},
        {"debug_id": f"{DEBUG_ID.replace('-', '').upper()}0"},
        {"debug_id": None, "uuid": DEBUG_ID},
        {"debug_id": None, "code_id": CODE_ID.upper()},
    ],
)
def test_an_image_names_its_file_in_many_ways(project, now, symbolicate, image):
    upload(project, BREAKPAD, "shop.sym", now)

    assert located(symbolicate(crash(0x1025, 0x1012, **image))) == SHOP


@pytest.mark.parametrize("debug_id", ["nonsense", "", f"{DEBUG_ID}-1", "0" * 32])
def test_another_id_is_another_file(project, now, symbolicate, debug_id):
    upload(project, BREAKPAD, "shop.sym", now)

    event = symbolicate(crash(0x1025, debug_id=debug_id, code_id="7"))

    assert located(event) == [(None, None, None)]
    assert [each["type"] for each in event["errors"]] == ["native_missing_dsym"]


def test_a_file_without_a_code_id_is_not_that_of_an_image_without_a_debug_id(
    project, now, symbolicate
):
    content = b"".join(line for line in BREAKPAD.splitlines(True) if b"CODE_ID" not in line)
    upload(project, content, "shop.sym", now)
    raw = crash(0x1025)
    (image,) = raw["debug_meta"]["images"]
    other = image | {"image_addr": hex(BASE * 2), "debug_id": None, "code_id": "abc"}
    raw["debug_meta"]["images"].append(other)
    frames = raw["exception"]["values"][0]["stacktrace"]["frames"]
    frames.append({"instruction_addr": hex(BASE * 2 + 0x1025)})

    assert located(symbolicate(raw)) == [("main", "cart.cpp", 20), (None, None, None)]


def test_files_of_other_projects_are_not_used(project, now, symbolicate):
    other = factories.ProjectFactory(organization=project.organization)
    upload(other, BREAKPAD, "shop.sym", now)

    assert located(symbolicate(crash(0x1025))) == [(None, None, None)]


def test_the_newest_file_of_an_id_is_used(project, now, symbolicate):
    upload(project, BREAKPAD, "shop.sym", now)
    upload(project, BREAKPAD.replace(b"main", b"start"), "shop.sym", now)

    assert located(symbolicate(crash(0x1025)))[0][0] == "start"


@pytest.mark.parametrize("image", [{}, {"debug_id": None, "code_id": PE_CODE_ID}])
def test_a_file_with_lines_is_used_before_a_newer_one_with_names(project, now, symbolicate, image):
    content = b"".join(line for line in BREAKPAD.splitlines(True) if b"CODE_ID" not in line)
    upload(project, content, "shop.sym", now)
    upload(project, debug_files.pe(), "shop.dll", now)

    assert located(symbolicate(crash(0x1025, 0x1012, **image))) == SHOP


def test_a_program_without_symbols_leads_from_its_code_id_to_its_debug_file(
    project, now, symbolicate
):
    content = b"".join(line for line in BREAKPAD.splitlines(True) if b"CODE_ID" not in line)
    upload(project, content, "shop.sym", now)
    program = upload(project, debug_files.pe(), "shop.dll", now)
    program.symcache = None
    program.save()

    assert located(symbolicate(crash(0x1025, 0x1012, debug_id=None, code_id=PE_CODE_ID))) == SHOP


@pytest.mark.parametrize(
    ("content", "image", "address"),
    [
        (debug_files.mach_o(), {"type": "macho"}, 0x1004),
        (debug_files.pe(), {"type": "pe"}, 0x1100),
    ],
    ids=["Mach-O", "PE"],
)
def test_programs_of_other_systems_name_their_functions(
    project, now, symbolicate, content, image, address
):
    upload(project, content, "shop", now)

    assert located(symbolicate(crash(address, **image))) == [("total", None, None)]


def test_web_assembly_names_its_functions(project, now, symbolicate):
    """The image is one of the page's, and has no address."""
    upload(project, debug_files.wasm(), "shop.wasm", now)
    url = "https://shop.example.com/shop.wasm"
    image = {"type": "wasm", "debug_id": f"{DEBUG_ID.replace('-', '')}0", "code_file": url}
    frame = {
        "platform": "native",
        "filename": url,
        "function": "<anonymous>",
        "instruction_addr": "0x16",
        "addr_mode": "rel:1",
    }
    event = symbolicate(
        {
            "platform": "javascript",
            "debug_meta": {"images": [{"type": "sourcemap", "debug_id": MAPPING_ID}, image]},
            "exception": {"values": [{"type": "RuntimeError", "stacktrace": {"frames": [frame]}}]},
        }
    )

    (found,) = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert (found["function"], found["package"]) == ("total", url)


def test_a_file_that_was_uploaded_before_is_used_again_when_the_newer_is_deleted(
    project, now, symbolicate
):
    upload(project, BREAKPAD, "shop.sym", now)
    upload(project, BREAKPAD.replace(b"main", b"start"), "shop.sym", now).delete()

    assert located(symbolicate(crash(0x1025)))[0][0] == "main"


def test_a_file_that_the_storage_has_lost_leaves_the_frames(project, now, symbolicate):
    file = upload(project, BREAKPAD, "shop.sym", now)
    assert file.symcache is not None
    store.storage().delete(file.symcache.name)

    event = symbolicate(crash(0x1025))

    assert located(event) == [(None, None, None)]
    assert [each["type"] for each in event["errors"]] == ["native_bad_dsym"]


def test_when_the_time_is_up_the_frames_stay(project, now, symbolicate):
    upload(project, BREAKPAD, "shop.sym", now)

    event = symbolicate(crash(0x1025), seconds=-1)

    assert located(event) == [(None, None, None)]
    assert [each["type"] for each in event["errors"]] == ["native_symbolicator_failed"]


CART = b"\n".join(b"cart line %d" % number for number in range(1, 31))


def contexts(event: dict[str, Any]) -> list[str | None]:
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    return [frame.get("context_line") for frame in frames]


@pytest.mark.parametrize("path", ["/src/cart.cpp", "\\src\\cart.cpp"])
@pytest.mark.parametrize("image", [{}, {"debug_id": None, "code_id": CODE_ID}])
def test_sources_are_shown_from_a_source_bundle(project, now, symbolicate, path, image):
    upload(project, BREAKPAD, "shop.sym", now)
    bundle = upload(project, debug_files.source_bundle({path: CART}), "shop.src.zip", now)

    event = symbolicate(crash(0x1025, 0x1012, **image))

    assert contexts(event) == ["cart line 20", "cart line 9"]
    assert (bundle.format, bundle.kind, bundle.features) == ("sourcebundle", "src", ["sources"])


def test_a_source_bundle_of_another_object_is_not_used(project, now, symbolicate):
    upload(project, BREAKPAD, "shop.sym", now)
    other = debug_files.source_bundle({"/src/cart.cpp": CART}, MAPPING_ID)
    upload(project, other, "shop.src.zip", now)
    upload(project, debug_files.source_bundle({"/src/other.cpp": CART}), "shop.src.zip", now)

    event = symbolicate(crash(0x1025, 0x1012))

    assert located(event) == SHOP
    assert contexts(event) == [None, None]


def test_a_broken_source_bundle_costs_nothing_but_the_sources(project, now, symbolicate):
    upload(project, BREAKPAD, "shop.sym", now)
    content = debug_files.source_bundle({"/src/cart.cpp": CART})
    bundle = upload(project, content, "shop.src.zip", now)
    Path(store.storage().path(bundle.blob.name)).write_bytes(content[:-40])

    event = symbolicate(crash(0x1025, 0x1012))

    assert located(event) == SHOP
    assert contexts(event) == [None, None]


@pytest.mark.parametrize("images", [2, 20])
def test_it_asks_the_database_once_however_many_images_there_are(
    project: Project,
    now: datetime,
    symbolicate: Callable[..., dict[str, Any]],
    django_assert_num_queries: DjangoAssertNumQueries,
    images: int,
) -> None:
    raw = crash()
    image = raw["debug_meta"]["images"].pop()
    frames = raw["exception"]["values"][0]["stacktrace"]["frames"]
    for number in range(images):
        debug_id = f"{number:032X}0".replace("00000000", "C22813AC", 1)
        content = BREAKPAD.replace(b"C22813AC7D101E2FF13EF5D6E2A0BDC20", debug_id.encode())
        upload(project, content, f"{number}.sym", now)
        start = BASE * (number + 1)
        placed = {"debug_id": debug_id, "image_addr": hex(start), "image_size": 0x3000}
        raw["debug_meta"]["images"].append(image | placed)
        frames.append({"instruction_addr": hex(start + 0x1025)})

    with django_assert_num_queries(1):
        assert located(symbolicate(raw)) == SHOP[:1] * images
    with django_assert_num_queries(0):
        symbolicate(raw)


def obfuscated() -> dict[str, Any]:
    frames = [
        {"module": "a.a.b", "function": "b"},
        {"module": "a.a.b", "function": "a", "lineno": 2, "filename": "SourceFile"},
    ]
    exception = {"type": "c", "module": "a.a", "stacktrace": {"frames": frames}}
    return {
        "platform": "java",
        "debug_meta": {"images": [{"type": "proguard", "uuid": MAPPING_ID}]},
        "exception": {"values": [exception]},
    }


@pytest.mark.parametrize("name", ["mapping.txt", f"proguard/{MAPPING_ID}.txt"])
def test_a_mapping_gives_java_its_names_back(project, now, symbolicate, name):
    upload(project, MAPPING, name, now)

    event = symbolicate(obfuscated())

    (exception,) = event["exception"]["values"]
    assert (exception["module"], exception["type"]) == ("com.shop", "PriceError")
    assert [
        (each["module"], each["function"], each["filename"], each.get("lineno"))
        for each in exception["stacktrace"]["frames"]
    ] == [
        ("com.shop.Cart", "total", "Cart.kt", None),
        ("com.shop.Cart", "priceOf", "Cart.kt", 23),
        ("com.shop.Prices", "discounted", "SourceFile", 5),
    ]


def test_a_missing_mapping_is_noted(symbolicate):
    assert symbolicate(obfuscated())["errors"] == [
        {"type": "proguard_missing_mapping", "mapping_uuid": MAPPING_ID}
    ]


def test_only_events_that_may_be_in_a_debug_file_are_looked_up():
    def normalized(raw: dict[str, Any]) -> dict[str, Any]:
        return normalize(raw, now=time.time(), sender=Sender())

    assert may_have_symbols(normalized(crash(0x1025)), ALL)
    assert may_have_symbols(normalized(obfuscated()), ALL)
    assert not may_have_symbols(normalized(crash()), ALL)
    assert not may_have_symbols(normalized(crash(0x1025)), Uploads())
    assert not may_have_symbols(normalized({"message": "x"}), ALL)


def test_a_file_goes_with_its_project(project, now):
    upload(project, BREAKPAD, "shop.sym", now)
    project.delete()

    assert not DebugFile.objects.exists()


def test_a_storage_elsewhere_will_do(project, now, symbolicate, settings):
    elsewhere = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = settings.STORAGES | {"files": elsewhere}
    upload(project, BREAKPAD, "shop.sym", now)

    assert located(symbolicate(crash(0x1025, 0x1012))) == SHOP
