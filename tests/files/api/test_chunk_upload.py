import gzip
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from rest_framework.test import APIClient

from sentrylite.files import chunks, receiving, store
from sentrylite.files.models import Blob, Chunk
from sentrylite.organizations.models import Organization
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/chunk-upload/"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same at any time, for the names of tests


def upload(api: APIClient, *contents: bytes, **named: bytes) -> Any:
    """Send these chunks in gzip, and those under the names they are given."""
    files = [SimpleUploadedFile(sha1(content), gzipped(content)) for content in contents]
    files += [SimpleUploadedFile(name, content) for name, content in named.items()]
    return api.post(PATH, {"file_gzip": files}, format="multipart")


def found(organization: Organization, *contents: bytes) -> list[bytes]:
    blobs = chunks.find(organization, map(sha1, contents), datetime.now(UTC)).values()
    return sorted(map(read, blobs))


def read(blob: Blob) -> bytes:
    with store.open_blob(blob) as content:
        return content.read()


def test_how_to_upload(api: APIClient) -> None:
    assert api.get(PATH).json() == {
        "url": f"http://testserver{PATH}",
        "chunkSize": 8 * 1024 * 1024,
        "chunksPerRequest": 64,
        "maxFileSize": 2 * 1024**3,
        "maxRequestSize": 32 * 1024 * 1024,
        "concurrency": 4,
        "hashAlgorithm": "sha1",
        "compression": ["gzip"],
        "accept": [
            "debug_files",
            "release_files",
            "artifact_bundles",
            "artifact_bundles_v2",
            "pdbs",
            "portablepdbs",
            "proguard",
            "sources",
        ],
    }


def test_the_address_is_the_public_one(api: APIClient, settings: Any) -> None:
    settings.PUBLIC_URL = "https://errors.example.com"
    assert api.get(PATH).json()["url"] == f"https://errors.example.com{PATH}"


def test_chunks_are_kept_decompressed(api: APIClient, organization: Organization) -> None:
    answer = upload(api, b"one", b"two" * 1000)
    assert (answer.status_code, answer.content) == (200, b"")
    assert found(organization, b"one", b"two" * 1000, b"three") == [b"one", b"two" * 1000]


def test_chunks_come_plain_too(api: APIClient, organization: Organization) -> None:
    file = SimpleUploadedFile(sha1(b"plain").upper(), b"plain")
    assert api.post(PATH, {"file": file}, format="multipart").status_code == 200
    assert found(organization, b"plain") == [b"plain"]


def test_the_same_chunk_twice_is_kept_once(api: APIClient) -> None:
    assert upload(api, b"same", b"same").status_code == 200
    assert upload(api, b"same").status_code == 200
    assert (Blob.objects.count(), Chunk.objects.count()) == (1, 1)


def test_a_body_without_chunks_changes_nothing(api: APIClient) -> None:
    assert upload(api).status_code == 200
    assert api.post(PATH, {}, format="json").status_code == 200
    assert not Blob.objects.exists()


def test_only_the_organization_that_sent_a_chunk_can_name_it(
    api: APIClient, organization: Organization
) -> None:
    upload(api, b"secret")
    other = factories.OrganizationFactory()
    assert found(other, b"secret") == []
    # Content that is there already is no less to be sent.
    stranger = factories.OrganizationMemberFactory(organization=other, role="owner")
    assert stranger.user is not None
    Chunk.objects.create(
        organization=other, blob=store.store(BytesIO(b"theirs"), datetime.now(UTC))
    )
    assert found(organization, b"theirs") == []
    upload(api, b"theirs")
    assert found(organization, b"theirs") == [b"theirs"]


@pytest.mark.parametrize(
    "name, content, status, reason",
    [
        (sha1(b"other"), gzipped(b"content"), 400, "The checksum of the chunk"),
        (
            "main.js",
            gzipped(b"content"),
            400,
            "is its SHA-1 in 40 hexadecimal digits",
        ),
        (
            "é" * 40,
            gzipped(b"content"),
            400,
            "is its SHA-1 in 40 hexadecimal digits",
        ),
        (sha1(b"content"), b"content", 400, "is not in gzip"),
        (sha1(b"content"), gzipped(b"content")[:-5], 400, "is not in gzip"),
        (sha1(b"content"), gzipped(b"content") + b"more", 400, "is not in gzip"),
        (sha1(b""), b"", 200, ""),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    name: str, content: bytes, status: int, reason: str, api: APIClient
) -> None:
    answer = upload(api, b"good", **{name: content})
    assert answer.status_code == status
    if reason:
        assert reason in answer.json()["detail"]
        assert not Blob.objects.exists()


def test_a_chunk_that_inflates_without_end_is_refused(api: APIClient) -> None:
    bomb = gzip.compress(bytes(chunks.CHUNK_SIZE * 30))
    answer = upload(api, **{"0" * 40: bomb})
    assert answer.status_code == 413
    assert answer.json() == {
        "detail": f"The chunk {'0' * 40} is larger than {chunks.CHUNK_SIZE} bytes."
    }


def test_a_plain_chunk_that_is_too_large_is_refused(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "CHUNK_SIZE", 3)
    file = SimpleUploadedFile(sha1(b"four"), b"four")
    assert api.post(PATH, {"file": file}, format="multipart").status_code == 413
    assert not Blob.objects.exists()


def test_more_chunks_than_fit_a_request_are_refused(api: APIClient) -> None:
    answer = upload(api, *(b"%d" % number for number in range(65)))
    assert answer.status_code == 400
    assert answer.json() == {"detail": "There are more than 64 chunks."}
    assert upload(api, *(b"%d" % number for number in range(101))).status_code == 400
    assert not Blob.objects.exists()


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data; boundary=x", b""),
        ("application/json", b"["),
        ("text/plain", b"x"),
    ],
)
def test_a_body_that_cannot_be_read_is_no_server_error(
    content_type: str, body: bytes, api: APIClient
) -> None:
    answer = api.generic("POST", PATH, body, content_type)
    assert answer.status_code in (200, 400, 415)


def test_twenty_chunks_cost_as_many_statements_as_two(
    api: APIClient, django_assert_num_queries: Callable[..., Any]
) -> None:
    upload(api, b"warm")
    for count in (2, 20):
        with django_assert_num_queries(8):
            upload(api, *(b"%d of %d" % (number, count) for number in range(count)))


@pytest.mark.django_db(transaction=True)
def test_one_chunk_sent_by_twenty_at_once_is_there_once(
    api: APIClient, organization: Organization
) -> None:
    content = b"popular" * 50_000

    def send(_: int) -> int:
        try:
            return upload(api, content).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(send, range(20))) == {200}
    assert found(organization, content) == [content]
    assert (Blob.objects.count(), Chunk.objects.count()) == (1, 1)
