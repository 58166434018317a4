import base64
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from issues.payload.event import Sender, Uploads
from issues.payload.normalize import normalize
from issues.symbolication import Symbolicator, detached, may_have_symbols
from sentrylite.files import store
from sentrylite.organizations.models import Project
from sentrylite.releases.models import ArtifactBundle, ReleaseFile
from sentrylite.symbols import scripts as script_reading
from tests import factories, scripts, uploads

pytestmark = pytest.mark.django_db

ALL = Uploads(artifacts=True)
DEBUG_ID = "b3c1c0f4-2b1e-4b64-9d5e-0d4f9e0b1a77"
MAP_URL = f"{scripts.ORIGIN}.map"
RESTORED = ["checkout", "applyDiscounts", "Cart.total", "Array.reduce", "<anonymous>"]
RESTORED += ["Cart.priceOf"]
AS_SENT = ["a", "o", "i.total", "Array.reduce", None, "i.priceOf"]

Symbolicate = Callable[..., dict[str, Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def symbolicator(clock: Clock) -> Iterator[Symbolicator]:
    symbolicator = Symbolicator(clock=clock)
    yield symbolicator
    symbolicator.close()


@pytest.fixture
def symbolicate(symbolicator: Symbolicator, project: Project, clock: Clock) -> Symbolicate:
    """`symbolicate(raw)`: what becomes of an SDK's event."""

    def symbolicate(raw: dict[str, Any], seconds: float = 10.0) -> dict[str, Any]:
        event = normalize(raw, now=time.time(), sender=Sender())
        symbolicator.symbolicate(
            event, project_id=project.pk, uploads=ALL, until=clock.now + seconds
        )
        return event

    return symbolicate


def error(**event: Any) -> dict[str, Any]:
    return scripts.error("esbuild", **{"release": "shop@1.0", **event})


def with_debug_id(**event: Any) -> dict[str, Any]:
    image = {"type": "sourcemap", "code_file": scripts.ORIGIN, "debug_id": DEBUG_ID}
    return scripts.error("esbuild", debug_meta={"images": [image]}, **event)


def functions(event: dict[str, Any]) -> list[str | None]:
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    return [frame.get("function") for frame in frames]


def upload_release_files(project: Project, now: datetime, **headers: str) -> list[ReleaseFile]:
    return [
        uploads.release_file(
            project, "~/assets/shop.min.js", scripts.script("esbuild"), now, **headers
        ),
        uploads.release_file(
            project, "~/assets/shop.min.js.map", scripts.source_map("esbuild"), now
        ),
    ]


def upload_bundle(project: Project, now: datetime, source_map: bytes) -> ArtifactBundle:
    headers = {"debug-id": DEBUG_ID}
    return uploads.bundle(
        project,
        {
            "~/assets/shop.min.js": (
                "minified_source",
                scripts.script("esbuild"),
                headers | {"sourcemap": "shop.min.js.map"},
            ),
            "~/assets/shop.min.js.map": ("source_map", source_map, headers),
        },
        now,
    )


def test_a_script_of_the_release_is_found_by_its_address(project, now, symbolicate):
    upload_release_files(project, now)

    assert functions(symbolicate(error())) == RESTORED


def test_a_script_is_found_by_its_debug_id_without_a_release(project, now, symbolicate):
    upload_bundle(project, now, scripts.source_map("esbuild"))

    event = symbolicate(with_debug_id())

    assert functions(event) == RESTORED
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["data"]["sourcemap"] == MAP_URL
    assert frame["abs_path"] == "https://shop.example/src/cart.ts"


def test_a_script_of_another_release_dist_or_project_is_not_used(project, now, symbolicate):
    stranger = factories.ProjectFactory(organization=factories.OrganizationFactory())
    for each in upload_release_files(project, now):
        each.dist = "42"
        each.save()
    upload_release_files(stranger, now)
    upload_bundle(stranger, now, scripts.source_map("esbuild"))

    assert functions(symbolicate(error())) == AS_SENT
    assert functions(symbolicate(error(release="shop@2.0", dist="42"))) == AS_SENT
    assert functions(symbolicate(with_debug_id())) == AS_SENT
    assert functions(symbolicate(error(dist="42"))) == RESTORED


@pytest.mark.parametrize("header", ["Sourcemap", "X-SourceMap", "SourceMap"])
def test_a_header_names_the_map_before_the_script_does(project, now, symbolicate, header):
    uploads.release_file(
        project,
        "~/assets/shop.min.js",
        scripts.script("esbuild"),
        now,
        **{header: "/maps/shop.json"},
    )
    uploads.release_file(project, "~/maps/shop.json", scripts.source_map("esbuild"), now)

    event = symbolicate(error())

    assert functions(event) == RESTORED
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["data"]["sourcemap"] == "https://shop.example/maps/shop.json"


@pytest.mark.parametrize("encoding", ["base64", "percent"])
def test_a_map_inside_the_script_is_read(project, now, symbolicate, encoding):
    if encoding == "base64":
        data = b";charset=utf-8;base64," + base64.b64encode(scripts.source_map("esbuild"))
    else:
        data = b"," + scripts.source_map("esbuild").replace(b"%", b"%25").replace(
            b" ", b"%20"
        ).replace(b"\n", b"").replace(b'"', b"%22").replace(b"'", b"%27")
    minified = scripts.script("esbuild").replace(
        b"shop.min.js.map", b"data:application/json" + data
    )
    uploads.release_file(project, "~/assets/shop.min.js", minified, now)

    event = symbolicate(error())

    assert functions(event) == RESTORED
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["data"]["sourcemap"] == scripts.ORIGIN


def test_a_map_that_was_not_uploaded_is_noted(project, now, symbolicate):
    uploads.release_file(project, "~/assets/shop.min.js", scripts.script("esbuild"), now)

    event = symbolicate(error())

    assert functions(event) == AS_SENT
    assert event["errors"] == [{"type": "js_missing_source", "url": MAP_URL}]


def test_a_script_that_names_no_map_shows_its_lines(project, now, symbolicate):
    minified = scripts.script("esbuild").partition(b"//#")[0]
    uploads.release_file(project, "~/assets/shop.min.js", minified, now)

    event = symbolicate(error())

    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["context_line"].startswith("(()=>{var i=class")
    assert "errors" not in event


def test_sources_beside_the_map_are_read(project, now, symbolicate):
    uploads.release_file(project, "~/assets/shop.min.js", scripts.script("esbuild"), now)
    source_map = scripts.source_map("esbuild", sourcesContent=None)
    uploads.release_file(project, "~/assets/shop.min.js.map", source_map, now)
    for name in ("cart.ts", "checkout.ts"):
        uploads.release_file(project, f"~/src/{name}", scripts.source(name), now)

    event = symbolicate(error())

    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[0]["context_line"] == "  return applyDiscounts(cart);"
    assert frames[-1]["context_line"].strip().startswith("throw new RangeError")
    assert "errors" not in event


@pytest.mark.parametrize("source_map", [b"", b"null", b"<html></html>", b'{"mappings":"!"}'])
def test_a_broken_map_leaves_the_frames_and_says_so(project, now, symbolicate, source_map):
    upload_bundle(project, now, source_map)

    event = symbolicate(with_debug_id())

    assert functions(event) == AS_SENT
    ((kind, url),) = [(each["type"], each["url"]) for each in event["errors"]]
    assert (kind, url) == ("js_invalid_sourcemap", MAP_URL)


def test_a_script_that_ends_its_parser_costs_no_event(project, now, symbolicate):
    uploads.release_file(project, "~/assets/shop.min.js", b"(" * 500_000, now, Sourcemap="m.json")
    uploads.release_file(project, "~/assets/m.json", scripts.source_map("esbuild"), now)

    for _ in range(2):
        event = symbolicate(error())
        assert functions(event) == AS_SENT
        assert [each["type"] for each in event["errors"]] == ["js_invalid_sourcemap"]


def test_a_broken_map_is_read_again_after_a_while(project, now, symbolicate, clock, monkeypatch):
    upload_bundle(project, now, b"null")
    symbolicate(with_debug_id())
    asked = []
    monkeypatch.setattr(
        "sentrylite.symbols.reader.Reader.ask", lambda self, *_, **__: asked.append(1) or {}
    )

    symbolicate(with_debug_id())
    assert not asked
    clock.now += script_reading.BROKEN_SECONDS + 1
    with pytest.raises(KeyError):
        symbolicate(with_debug_id())
    assert asked


def test_when_the_time_is_up_the_frames_stay(project, now, symbolicate):
    upload_bundle(project, now, scripts.source_map("esbuild"))

    event = symbolicate(with_debug_id(), seconds=-1)

    assert functions(event) == AS_SENT
    assert event["errors"] == [{"type": "fetch_timeout", "url": MAP_URL}]
    assert functions(symbolicate(with_debug_id())) == RESTORED


def test_a_file_that_the_storage_has_lost_leaves_the_frames(project, now, symbolicate):
    bundle = upload_bundle(project, now, scripts.source_map("esbuild"))
    store.storage().delete(bundle.blob.name)

    event = symbolicate(with_debug_id())

    assert functions(event) == AS_SENT
    assert [each["type"] for each in event["errors"]] == ["js_invalid_sourcemap"]


@pytest.mark.parametrize("files", [2, 20])
def test_it_asks_the_database_twice_however_many_scripts_there_are(
    project: Project,
    now: datetime,
    symbolicate: Symbolicate,
    clock: Clock,
    django_assert_num_queries: DjangoAssertNumQueries,
    files: int,
) -> None:
    raw = error()
    (exception,) = raw["exception"]["values"]
    exception["stacktrace"]["frames"] = []
    for number in range(files):
        name = f"{number}.min.js"
        script = scripts.script("esbuild").replace(b"shop.min.js", name.encode())
        uploads.release_file(project, f"~/assets/{name}", script, now)
        source_map = scripts.source_map("esbuild")
        uploads.release_file(project, f"~/assets/{name}.map", source_map, now)
        url = f"https://shop.example/assets/{name}"
        exception["stacktrace"]["frames"] += scripts.error("esbuild", url)["exception"]["values"][
            0
        ]["stacktrace"]["frames"]
    connection.ensure_connection()

    with django_assert_num_queries(2):
        assert functions(symbolicate(raw)) == RESTORED * files
    with django_assert_num_queries(0):
        symbolicate(raw)
    clock.now += 11
    with django_assert_num_queries(2):
        symbolicate(raw)


def test_what_is_uploaded_later_is_found_in_seconds(project, now, symbolicate, clock):
    assert functions(symbolicate(error())) == AS_SENT
    upload_release_files(project, now)
    clock.now += 11

    assert functions(symbolicate(error())) == RESTORED


def test_only_events_that_may_be_in_an_upload_are_looked_up():
    def normalized(raw: dict[str, Any]) -> dict[str, Any]:
        return normalize(raw, now=time.time(), sender=Sender())

    assert may_have_symbols(normalized(error()), ALL)
    assert may_have_symbols(normalized(with_debug_id()), ALL)
    assert not may_have_symbols(normalized(scripts.error("esbuild")), ALL)
    assert not may_have_symbols(normalized(error(platform="python")), ALL)
    assert not may_have_symbols(normalized({"message": "x", "release": "shop@1.0"}), ALL)
    assert not may_have_symbols(normalized(error()), Uploads())


def test_a_detached_event_can_be_rewritten_without_its_original(project, now, symbolicator, clock):
    upload_release_files(project, now)
    event = normalize(error(), now=time.time(), sender=Sender())
    before = repr(event)

    copy = detached(event)
    symbolicator.symbolicate(copy, project_id=project.pk, uploads=ALL, until=clock.now + 10)

    assert functions(copy) == RESTORED
    assert repr(event) == before
