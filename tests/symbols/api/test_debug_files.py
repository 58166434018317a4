import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.files import store
from sentrylite.files.models import Blob
from sentrylite.organizations.models import Project
from sentrylite.symbols import uploads
from sentrylite.symbols.models import DebugFile
from tests import debug_files, factories
from tests.debug_files import BREAKPAD, CODE_ID, DEBUG_ID, MAPPING, MAPPING_ID, upload, zipped

PATH = "/api/0/projects/acme/pump-station/files/dsyms/"
SHA1 = "cf5a7d4a5d8f0f7bf7c7a4cbd1d46a5d3e9ab1f5"


def send(api: APIClient, content: bytes, name: str = "shop.sym", path: str = PATH) -> Any:
    return api.post(path, {"file": SimpleUploadedFile(name, content)}, format="multipart")


def shown(file: DebugFile, **changes: Any) -> dict[str, Any]:
    """The answer for a Breakpad file."""
    return {
        "id": str(file.pk),
        "uuid": DEBUG_ID,
        "debugId": DEBUG_ID,
        "codeId": CODE_ID,
        "cpuName": "x86_64",
        "objectName": "shop.sym",
        "symbolType": "breakpad",
        "headers": {"Content-Type": "text/x-breakpad"},
        "size": len(BREAKPAD),
        "sha1": file.blob.checksum,
        "dateCreated": file.created_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "data": {"type": "dbg", "features": ["debug", "symtab"]},
        **changes,
    }


# Lists --------------------------------------------------------------------------------------------


def test_files_are_listed_the_newest_first(api: APIClient, project: Project, now: datetime) -> None:
    first = upload(project, BREAKPAD, "shop.sym", now)
    second = upload(project, MAPPING, "mapping.txt", now)
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == [
        {
            "id": str(second.pk),
            "uuid": MAPPING_ID,
            "debugId": MAPPING_ID,
            "codeId": None,
            "cpuName": "any",
            "objectName": "mapping.txt",
            "symbolType": "proguard",
            "headers": {"Content-Type": "text/x-proguard+plain"},
            "size": len(MAPPING),
            "sha1": second.blob.checksum,
            "dateCreated": "2026-03-04T05:06:07Z",
            "data": {"features": ["mapping"]},
        },
        shown(first, dateCreated="2026-03-04T05:06:07Z"),
    ]
    assert 'rel="next"; results="false"' in answer.headers["Link"]


def test_a_page_has_twenty_files(api: APIClient, project: Project, now: datetime) -> None:
    files = make_files(project, 25, now)
    answer = api.get(PATH)
    assert [file["id"] for file in answer.json()] == [str(file.pk) for file in files[::-1][:20]]
    url = answer.headers["Link"].split(", ")[1].partition("<")[2].partition(">")[0]
    assert [file["id"] for file in api.get(url).json()] == [str(f.pk) for f in files[::-1][20:]]
    assert len(api.get(PATH, {"per_page": 3}).json()) == 3


def make_files(project: Project, number: int, now: datetime) -> list[DebugFile]:
    blob = upload(project, BREAKPAD, "shop.sym", now).blob
    DebugFile.objects.all().delete()
    return DebugFile.objects.bulk_create(
        DebugFile(
            project=project,
            debug_id=f"{index:08x}{DEBUG_ID[8:]}",
            cpu_name="arm64",
            object_name=f"lib{index}.so",
            format="elf",
            features=["debug"],
            blob=blob,
        )
        for index in range(number)
    )


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"query": ""}, ["app.txt", "shop.sym"]),
        ({"query": "SHOP"}, ["shop.sym"]),
        ({"query": "c22813ac"}, ["shop.sym"]),
        ({"query": DEBUG_ID.upper()}, ["shop.sym"]),
        ({"query": f"{DEBUG_ID}-0"}, ["shop.sym"]),
        ({"query": f"{DEBUG_ID}-1"}, []),
        ({"query": CODE_ID[:10]}, ["shop.sym"]),
        ({"query": "x86"}, ["shop.sym"]),
        ({"query": "text/x-breakpad"}, ["shop.sym"]),
        ({"query": "proguard"}, ["app.txt"]),
        ({"query": "%"}, []),
        ({"query": "nothing"}, []),
        ({"debug_id": DEBUG_ID}, ["shop.sym"]),
        ({"debug_id": DEBUG_ID.replace("-", "")}, ["shop.sym"]),
        ({"debug_id": "nonsense"}, []),
        ({"code_id": CODE_ID.upper()}, ["shop.sym"]),
        ({"code_id": "nonsense"}, []),
        ({"code_id": "abc"}, []),
        ({"file_formats": "proguard"}, ["app.txt"]),
        ({"file_formats": ["proguard", "breakpad"]}, ["app.txt", "shop.sym"]),
        ({"file_formats": "elf"}, []),
    ],
)
def test_files_are_searched(
    api: APIClient, project: Project, now: datetime, parameters: Any, names: list[str]
) -> None:
    upload(project, BREAKPAD, "shop.sym", now)
    upload(project, MAPPING, "app.txt", now)
    answer = api.get(PATH, parameters)
    assert [file["objectName"] for file in answer.json()] == names


def test_an_unknown_format_is_refused(api: APIClient, project: Project) -> None:
    answer = api.get(PATH, {"file_formats": ["elf", "nonsense"]})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Invalid file_formats. Valid choices are macho, elf,")


@pytest.mark.parametrize("name", ["query", "debug_id", "code_id", "file_formats", "id"])
@pytest.mark.parametrize("value", ["\0", "x" * 10_000, "\ud800", "9" * 30, "-1"])
def test_odd_parameters_find_nothing_or_are_refused(
    api: APIClient, project: Project, name: str, value: str
) -> None:
    answer = api.get(f"{PATH}?{name}={quote(value, errors='surrogatepass')}")
    assert answer.status_code in (200, 400, 404)
    assert answer.status_code != 200 or answer.json() == []


@pytest.mark.parametrize("files", [2, 20])
def test_a_list_costs_a_fixed_number_of_queries(
    api: APIClient,
    project: Project,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
    files: int,
) -> None:
    make_files(project, files, now)
    with django_assert_num_queries(LIST_QUERIES):
        assert len(api.get(PATH).json()) == files


LIST_QUERIES = 4


# Downloads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "sent_as"),
    [
        (BREAKPAD, "shop.sym", f"{DEBUG_ID}.sym"),
        (MAPPING, "mapping.txt", f"{MAPPING_ID}.txt"),
        (debug_files.pe(), "shop.dll", f"{DEBUG_ID}.exe"),
        (debug_files.mach_o(), "libshop.dylib", DEBUG_ID),
    ],
    ids=["Breakpad", "mapping", "PE", "Mach-O"],
)
def test_a_file_is_downloaded(
    api: APIClient, project: Project, now: datetime, content: bytes, name: str, sent_as: str
) -> None:
    file = upload(project, content, name, now)
    answer = api.get(PATH, {"id": file.pk})
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{sent_as}"'
    assert answer.headers["Content-Length"] == str(len(content))


def test_who_may_only_read_downloads_and_deletes_nothing(
    user: Any, project: Project, now: datetime, api_as: Any
) -> None:
    file = upload(project, BREAKPAD, "shop.sym", now)
    weak = api_as(user, scopes=["project:releases"])
    assert weak.get(PATH, {"id": file.pk}).status_code == 403
    answer = weak.delete(f"{PATH}?id={file.pk}")
    assert (answer.status_code, answer.content) == (404, b"")
    assert DebugFile.objects.exists()


def test_a_file_of_another_project_is_not_there(
    api: APIClient, project: Project, now: datetime
) -> None:
    file = upload(factories.ProjectFactory(), BREAKPAD, "shop.sym", now)
    assert api.get(PATH).json() == []
    assert api.get(PATH, {"id": file.pk}).status_code == 404
    assert api.delete(f"{PATH}?id={file.pk}").status_code == 404
    assert DebugFile.objects.exists()


# Deletion -----------------------------------------------------------------------------------------


def test_a_file_is_deleted(api: APIClient, project: Project, now: datetime) -> None:
    file = upload(project, BREAKPAD, "shop.sym", now)
    other = upload(project, MAPPING, "mapping.txt", now)
    answer = api.delete(f"{PATH}?id={file.pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert list(DebugFile.objects.all()) == [other]
    assert api.delete(f"{PATH}?id={file.pk}").status_code == 404


@pytest.mark.parametrize("query", ["", "?id=", "?id=nope", "?id=99999999999999999999", "?id=%00"])
def test_what_is_not_there_is_not_deleted(api: APIClient, project: Project, query: str) -> None:
    answer = api.delete(f"{PATH}{query}")
    assert (answer.status_code, answer.content) == (404, b"")


# Uploads ------------------------------------------------------------------------------------------


def test_a_file_is_uploaded(api: APIClient, project: Project) -> None:
    answer = send(api, BREAKPAD)
    assert answer.status_code == 201
    file = DebugFile.objects.get()
    assert answer.json() == [shown(file)]
    with store.open_blob(file.blob) as content:
        assert content.read() == BREAKPAD
    assert file.symcache is not None


@debug_files.needs_compiler
def test_a_program_is_uploaded(api: APIClient, project: Project, tmp_path: Path) -> None:
    (answer,) = send(api, debug_files.compiled(tmp_path).read_bytes(), "shop").json()
    assert (answer["symbolType"], answer["cpuName"]) == ("elf", "x86_64")
    assert answer["headers"] == {"Content-Type": "application/x-elf-binary"}
    assert len(answer["codeId"]) == 40


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            debug_files.mach_o(),
            {
                "symbolType": "macho",
                "headers": {"Content-Type": "application/x-mach-binary"},
                "data": {"type": "lib", "features": ["symtab"]},
            },
        ),
        (
            debug_files.pe(),
            {
                "codeId": "5f0000002000",
                "symbolType": "pe",
                "headers": {"Content-Type": "application/x-dosexec"},
                "data": {"type": "lib", "features": ["symtab"]},
            },
        ),
        (
            debug_files.wasm(),
            {
                "cpuName": "wasm32",
                "symbolType": "wasm",
                "headers": {"Content-Type": "application/wasm"},
                "data": {"type": "lib", "features": ["symtab"]},
            },
        ),
    ],
    ids=["Mach-O", "PE", "WebAssembly"],
)
def test_programs_of_other_systems_are_uploaded(
    api: APIClient, project: Project, content: bytes, expected: dict[str, Any]
) -> None:
    answer = send(api, content, "shop.lib")
    file = DebugFile.objects.get()
    bare_id = DEBUG_ID.replace("-", "")
    common = {"codeId": bare_id, "objectName": "shop.lib", "size": len(content)}
    assert answer.json() == [shown(file, **common | expected)]
    assert file.symcache is not None


def test_the_debug_files_in_a_zip_are_uploaded(api: APIClient, project: Project) -> None:
    named = "4d2d2d2d-0000-4000-8000-0123456789ab"
    content = zipped(
        {
            "symbols/deep/shop.sym": BREAKPAD,
            f"proguard/{named}.txt": MAPPING,
            "README.txt": b"no debug file",
            "empty": b"",
        }
    )
    answer = send(api, content.read(), "all.zip")
    assert answer.status_code == 201
    assert [(file["objectName"], file["debugId"]) for file in answer.json()] == [
        ("shop.sym", DEBUG_ID),
        (f"{named}.txt", named),
    ]


def test_the_same_file_again_is_the_same(api: APIClient, project: Project) -> None:
    assert send(api, BREAKPAD).json() == send(api, BREAKPAD, "other.sym").json()
    assert DebugFile.objects.count() == 1


def test_projects_share_contents_but_not_files(api: APIClient, project: Project) -> None:
    other = factories.ProjectFactory(organization=project.organization, teams=project.teams.all())
    send(api, BREAKPAD)
    path = f"/api/0/projects/acme/{other.slug}/files/dsyms/"
    assert api.get(path).json() == []
    assert len(send(api, BREAKPAD, path=path).json()) == 1
    assert DebugFile.objects.count() == 2
    assert len({file.blob_id for file in DebugFile.objects.all()}) == 1


def test_a_zip_without_debug_files_gives_nothing(api: APIClient, project: Project) -> None:
    answer = send(api, zipped({"README.txt": b"hello"}).read())
    assert (answer.status_code, answer.json()) == (201, [])


def test_an_upload_needs_a_file(api: APIClient, project: Project) -> None:
    for answer in (
        api.post(PATH, {"other": "x"}, format="multipart"),
        api.post(PATH, {"file": "no file"}, format="multipart"),
    ):
        assert (answer.status_code, answer.json()) == (400, {"detail": "Missing uploaded file"})
    assert api.post(PATH, {"file": "x"}, format="json").status_code == 415


def truncated() -> bytes:
    return zipped({"shop.sym": BREAKPAD * 10}).read()[:-60]


def bomb() -> bytes:
    return zipped({"zeros": bytes(200 * 1024 * 1024)}).read()


def damaged() -> bytes:
    content = bytearray(zipped({"shop.sym": BREAKPAD}).read())
    content[60:80] = bytes(20)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "No debug file of a known format"),
        (b"hello", "No debug file of a known format"),
        (b"\x7fELF" + bytes(100), "No debug file of a known format"),
        (b"PK\3\4", "The zip file is broken"),
        (truncated(), "The zip file is broken"),
        (damaged(), "The zip file"),
        (bomb(), "The files in the zip file are too large."),
        (zipped({"../shop.sym": BREAKPAD}).read(), "The zip file has a file outside of it."),
        (zipped({"/etc/shop.sym": BREAKPAD}).read(), "The zip file has a file outside of it."),
        (zipped({"c:\\shop.sym": BREAKPAD}).read(), "The zip file has a file outside of it."),
        (
            zipped({str(number): b"" for number in range(1001)}).read(),
            "The zip file has more than 1000 files.",
        ),
    ],
)
def test_a_bad_file_is_refused_and_leaves_nothing(
    api: APIClient, project: Project, content: bytes, detail: str
) -> None:
    answer = send(api, content)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(detail)
    assert not DebugFile.objects.exists()
    assert not Blob.objects.exists()


def test_a_file_that_ends_its_reader_is_refused(
    api: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sentrylite.symbols.reader.COMMAND",
        ["/bin/sh", "-c", "head -c 4 >/dev/null; kill -SEGV $$"],
    )
    monkeypatch.setattr(uploads, "reader", type(uploads.reader)())
    answer = send(api, BREAKPAD)
    assert answer.status_code == 400
    assert "did not survive" in answer.json()["detail"]


@pytest.mark.parametrize("files", [2, 20])
def test_a_zip_costs_the_same_number_of_queries_however_many_files(
    api: APIClient,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    files: int,
) -> None:
    contents = {
        f"{number}.sym": BREAKPAD.replace(b"C22813AC", f"{number + 1:08X}".encode())
        for number in range(files)
    }
    content = zipped(contents).read()
    with django_assert_num_queries(UPLOAD_QUERIES):
        assert len(send(api, content).json()) == files


UPLOAD_QUERIES = 15


def test_a_name_is_kept_in_part(api: APIClient, project: Project) -> None:
    (answer,) = send(api, zipped({"x" * 3000: BREAKPAD}).read()).json()
    assert answer["objectName"] == "x" * 500


def test_names_of_any_letters_are_kept(api: APIClient, project: Project) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("símbolos/приложение.sym", BREAKPAD)
    (answer,) = send(api, content.getvalue()).json()
    assert answer["objectName"] == "приложение.sym"


# What clients ask beside --------------------------------------------------------------------------


def test_unknown_checksums_are_those_that_are_missing(
    api: APIClient, project: Project, now: datetime
) -> None:
    file = upload(project, BREAKPAD, "shop.sym", now)
    other = upload(factories.ProjectFactory(), MAPPING, "mapping.txt", now)
    asked = [SHA1, file.blob.checksum, other.blob.checksum, "x", SHA1]
    answer = api.get(f"{PATH}unknown/", {"checksums": asked})
    assert answer.json() == {"missing": [SHA1, other.blob.checksum, "x"]}
    assert api.get(f"{PATH}unknown/").json() == {"missing": []}
    assert api.get(f"{PATH}unknown/?checksums=%00").status_code == 400


def test_nothing_is_associated(api: APIClient, project: Project) -> None:
    body = {"platform": "apple", "checksums": [SHA1], "name": "shop", "appId": "x"}
    answer = api.post(f"{PATH}associate/", body, format="json")
    assert (answer.status_code, answer.json()) == (200, {"associatedDsymFiles": []})


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mapping_may_be_said_to_be_of_a_release(
    api: APIClient, project: Project, now: datetime, slash: str
) -> None:
    upload(project, MAPPING, "mapping.txt", now)
    upload(project, BREAKPAD, "shop.sym", now)
    path = f"/api/0/projects/acme/pump-station/files/proguard-artifact-releases{slash}"

    def say(**changes: Any) -> tuple[int, Any]:
        body = {"release_name": "com.shop@1.0+1", "proguard_uuid": MAPPING_ID, **changes}
        answer = api.post(path, body, format="json")
        return answer.status_code, answer.content and answer.json()

    assert say() == say() == (201, b"")
    for other in (DEBUG_ID, SHA1[:32]):
        status, error = say(proguard_uuid=other)
        assert (status, error["detail"][:36]) == (400, "The project has no mapping with the ")
    assert say(proguard_uuid="x") == (400, {"proguard_uuid": ["Must be a valid UUID."]})
    assert say(release_name="") == (400, {"release_name": ["This field may not be blank."]})
    assert api.post(path, [], format="json").status_code == 400


def test_no_events_are_held_back(api: APIClient, project: Project) -> None:
    answer = api.post("/api/0/projects/acme/pump-station/reprocessing/", {}, format="json")
    assert (answer.status_code, answer.content) == (200, b"")
