import hashlib
import io
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.files import chunks, store
from sentrylite.organizations.models import Organization, Project
from sentrylite.symbols.models import DebugFile
from tests import factories
from tests.debug_files import BREAKPAD, CODE_ID, DEBUG_ID

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/files/difs/assemble/"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def send_pieces(organization: Organization, *pieces: bytes) -> list[str]:
    now = timezone.now()
    chunks.add(organization, store.store_all([io.BytesIO(piece) for piece in pieces], now), now)
    return [sha1(piece) for piece in pieces]


def ask(api: APIClient, content: bytes, pieces: list[str], path: str = PATH) -> Any:
    body = {sha1(content): {"name": "shop.sym", "debug_id": DEBUG_ID, "chunks": pieces}}
    answer = api.post(path, body, format="json")
    assert answer.status_code == 200
    return answer.json()[sha1(content)]


def test_pieces_become_a_debug_file(api: APIClient, project: Project) -> None:
    pieces = [BREAKPAD[:100], BREAKPAD[100:]]
    checksums = list(map(sha1, pieces))
    assert ask(api, BREAKPAD, checksums) == {
        "state": "not_found",
        "missingChunks": checksums,
        "detail": None,
        "dif": None,
    }
    send_pieces(project.organization, pieces[0])
    assert ask(api, BREAKPAD, checksums)["missingChunks"] == checksums[1:]
    send_pieces(project.organization, pieces[1])

    answer = ask(api, BREAKPAD, checksums)

    file = DebugFile.objects.get()
    assert answer == {
        "state": "ok",
        "missingChunks": [],
        "detail": None,
        "dif": {
            "id": str(file.pk),
            "uuid": DEBUG_ID,
            "debugId": DEBUG_ID,
            "codeId": CODE_ID,
            "cpuName": "x86_64",
            "objectName": "shop.sym",
            "symbolType": "breakpad",
            "headers": {"Content-Type": "text/x-breakpad"},
            "size": len(BREAKPAD),
            "sha1": sha1(BREAKPAD),
            "dateCreated": answer["dif"]["dateCreated"],
            "data": {"type": "dbg", "features": ["debug", "symtab"]},
        },
    }
    with store.open_blob(file.blob) as content:
        assert content.read() == BREAKPAD


def test_what_is_there_need_not_be_sent(api: APIClient, project: Project) -> None:
    first = ask(api, BREAKPAD, send_pieces(project.organization, BREAKPAD))
    again = ask(api, BREAKPAD, ["0" * 40])
    assert again == first


def test_pieces_and_files_of_others_are_not_there(api: APIClient, project: Project) -> None:
    stranger = factories.ProjectFactory()
    pieces = send_pieces(stranger.organization, BREAKPAD)
    assert ask(api, BREAKPAD, pieces)["state"] == "not_found"
    sibling = factories.ProjectFactory(organization=project.organization, teams=project.teams.all())
    send_pieces(project.organization, BREAKPAD)
    assert ask(api, BREAKPAD, pieces)["state"] == "ok"
    path = PATH.replace("pump-station", sibling.slug)
    assert ask(api, BREAKPAD, [], path)["state"] == "not_found"


def test_what_is_no_debug_file_is_an_error(api: APIClient, project: Project) -> None:
    answer = ask(api, b"hello", send_pieces(project.organization, b"hello"))
    assert answer["state"] == "error"
    assert answer["detail"].startswith("No debug file of a known format")
    assert answer["dif"] is None
    assert not DebugFile.objects.exists()


def test_a_wrong_checksum_is_an_error(api: APIClient, project: Project) -> None:
    answer = ask(api, BREAKPAD, send_pieces(project.organization, BREAKPAD[:-1]))
    assert answer["state"] == "error"
    assert answer["detail"].startswith("The checksum of the whole is")
    assert not DebugFile.objects.exists()


def test_each_file_is_answered_by_itself(api: APIClient, project: Project) -> None:
    send_pieces(project.organization, BREAKPAD, b"hello")
    body = {
        sha1(content): {"name": "x", "chunks": [sha1(content)]}
        for content in (BREAKPAD, b"hello", b"missing")
    }
    answers = api.post(PATH, body, format="json").json()
    assert {checksum: answer["state"] for checksum, answer in answers.items()} == {
        sha1(BREAKPAD): "ok",
        sha1(b"hello"): "error",
        sha1(b"missing"): "not_found",
    }
    assert api.post(PATH, {}, format="json").json() == {}


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        7,
        {"nope": {"name": "x", "chunks": []}},
        {"a" * 40: []},
        {"a" * 40: None},
        {"a" * 40: {}},
        {"a" * 40: {"name": "x"}},
        {"a" * 40: {"chunks": []}},
        {"a" * 40: {"name": 7, "chunks": []}},
        {"a" * 40: {"name": "", "chunks": []}},
        {"a" * 40: {"name": "x" * 501, "chunks": []}},
        {"a" * 40: {"name": "x\0", "chunks": []}},
        {"a" * 40: {"name": "x", "chunks": {}}},
        {"a" * 40: {"name": "x", "chunks": [7]}},
        {"a" * 40: {"name": "x", "chunks": ["nope"]}},
        {"a" * 40: {"name": "x", "chunks": ["\0" * 40]}},
        {"a" * 40: {"name": "x", "chunks": ["b" * 40] * 300}},
    ],
)
def test_a_bad_body_is_refused(api: APIClient, project: Project, body: Any) -> None:
    answer = api.post(PATH, body, format="json")
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_a_broken_body_is_refused(api: APIClient, project: Project) -> None:
    for content in (b"{", b'{"\xff": 1}', b'{"a": "\\ud800"}'):
        answer = api.post(PATH, content, content_type="application/json")
        assert answer.status_code == 400


@pytest.mark.parametrize("files", [2, 20])
def test_asking_for_many_costs_as_much_as_asking_for_few(
    api: APIClient,
    project: Project,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
    files: int,
) -> None:
    body = {f"{number:040x}": {"name": "x", "chunks": ["a" * 40]} for number in range(files)}
    with django_assert_num_queries(ASK_QUERIES):
        api.post(PATH, body, format="json")


ASK_QUERIES = 5
