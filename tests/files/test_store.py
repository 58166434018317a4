import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connections

from sentrylite.files import retention, store
from sentrylite.files.models import Blob, Chunk
from tests import factories

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def read(blob: Blob) -> bytes:
    with store.open_blob(blob) as content:
        return content.read()


def path(blob: Blob) -> Path:
    return Path(storages["files"].path(blob.name))


def test_what_was_stored_is_read(now: datetime) -> None:
    blob = store.store(BytesIO(b"some content"), now)
    assert (blob.checksum, blob.size) == ("94e66df8cd09d410c62d9e0dc59d3a884e458e05", 12)
    assert blob.is_stored
    assert read(blob) == b"some content"
    assert Blob.objects.get().is_stored


def test_only_the_servers_account_can_read_a_file(now: datetime) -> None:
    blob = store.store(BytesIO(b"private"), now)
    assert path(blob).stat().st_mode & 0o777 == 0o600
    assert path(blob).parent.stat().st_mode & 0o777 == 0o700


def test_the_same_content_is_kept_once(now: datetime) -> None:
    first = store.store(BytesIO(b"again"), now)
    second = store.store(BytesIO(b"again"), now + DAY)
    assert second == first
    assert second.used_at == now + DAY
    assert Blob.objects.count() == 1


def test_many_files_cost_as_many_statements_as_two(
    now: datetime, django_assert_num_queries: Any
) -> None:
    for count in (2, 20):
        files = [BytesIO(b"%d of %d" % (number, count)) for number in range(count)]
        with django_assert_num_queries(5):
            blobs = store.store_all([*files, files[0]], now)
        assert [read(blob) for blob in blobs[:-1]] == [file.getvalue() for file in files]
        assert blobs[-1] == blobs[0]
        with django_assert_num_queries(1):
            assert store.store_all(files, now) == blobs[:-1]


@pytest.mark.django_db(transaction=True)
def test_writers_of_some_of_the_same_contents_at_once_keep_each_once(now: datetime) -> None:
    def write(first: int) -> list[bytes]:
        files = [BytesIO(b"%d" % (number % 10) * 50_000) for number in range(first, first + 5)]
        try:
            return [read(blob) for blob in store.store_all(files, now)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(write, range(20)))
    assert {content for contents in found for content in contents} == {
        b"%d" % number * 50_000 for number in range(10)
    }
    assert Blob.objects.filter(is_stored=True).count() == Blob.objects.count() == 10


def test_what_cannot_be_written_leaves_nothing(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("sentrylite.files.disk._sync", is_full)
    with pytest.raises(OSError, match="no space left"):
        store.store(BytesIO(b"too much for the disk"), now)
    assert not Blob.objects.exists()
    assert not any(b"too much" in file.read_bytes() for file in _files())


def _files() -> Iterator[Path]:
    for directory, _, names in os.walk(settings.STORAGES["files"]["OPTIONS"]["location"]):
        yield from (Path(directory, name) for name in names)


def test_no_more_is_read_than_the_limit() -> None:
    class Endless:
        read_bytes = 0

        def read(self, size: int, /) -> bytes:
            self.read_bytes += size
            return b"x" * size

    source = Endless()
    with pytest.raises(store.TooLarge, match="larger than 10 bytes"):
        store.spool(source, 10)
    assert source.read_bytes == store.PIECE


@pytest.mark.django_db(transaction=True)
def test_many_writers_of_the_same_content_at_once_keep_it_once(now: datetime) -> None:
    def write(_: int) -> int:
        try:
            return store.store(BytesIO(b"popular" * 100_000), now).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        found = set(threads.map(write, range(20)))
    blob = Blob.objects.get()
    assert found == {blob.pk}
    assert read(blob) == b"popular" * 100_000
    written = [file for file in path(blob).parent.iterdir() if file.stat().st_size == blob.size]
    assert written == [path(blob)]


def test_what_nothing_refers_to_is_removed_after_a_day(now: datetime) -> None:
    blob = store.store(BytesIO(b"forgotten"), now)
    assert retention.remove_unused(now + DAY) == 0
    assert read(blob) == b"forgotten"
    assert retention.remove_unused(now + DAY + timedelta(seconds=1)) == 1
    assert not path(blob).exists()
    assert not Blob.objects.exists()


def test_a_chunk_keeps_its_content_for_a_day_after_its_last_use(now: datetime) -> None:
    organization = factories.OrganizationFactory()
    blob = store.store(BytesIO(b"chunk"), now)
    chunk = Chunk.objects.create(organization=organization, blob=blob, used_at=now + DAY)
    assert retention.remove_unused(now + 2 * DAY) == 0
    assert read(blob) == b"chunk"
    assert retention.remove_unused(now + 3 * DAY) == 1
    assert not Chunk.objects.filter(pk=chunk.pk).exists()


def test_content_that_is_asked_for_again_just_before_its_end_stays(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = store.store(BytesIO(b"late"), now)
    found = retention._unreferenced

    def ask_again() -> object:
        monkeypatch.setattr(retention, "_unreferenced", found)
        unused = found().filter(pk=blob.pk)
        list(unused)  # chosen as unused
        store.store(BytesIO(b"late"), now + 2 * DAY)
        return unused

    monkeypatch.setattr(retention, "_unreferenced", ask_again)
    assert retention.remove_unused(now + 2 * DAY) == 0
    assert read(blob) == b"late"


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_half_way(blob: Blob, file: IO[bytes]) -> None:
    storages["files"].save(blob.name, BytesIO(b"half"))
    die()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "place, end", [("_write", die), ("_write", die_half_way), ("_finish", die)]
)
def test_a_writer_that_is_killed_leaves_nothing_that_anybody_finds(
    place: str, end: Callable[..., None], now: datetime
) -> None:
    content = BytesIO(f"of a writer that ends at {place} by {end.__name__}".encode())
    connections.close_all()  # the child may not share them
    if not (child := os.fork()):
        setattr(store, place, end)
        store.store(content, now)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    left = Blob.objects.get()
    assert not left.is_stored
    assert path(left).exists() == (end is die_half_way or place == "_finish")
    blob = store.store(content, now)
    assert blob != left
    assert read(blob) == content.getvalue()
    assert retention.remove_unused(now + 2 * DAY) == 2
    assert not path(left).exists()
    assert not Blob.objects.exists()


def test_what_a_writer_that_died_has_left_is_removed(now: datetime) -> None:
    name = "ab/half-written"
    storages["files"].save(name, BytesIO(b"half"))
    Blob.objects.create(name=name, checksum="ab" * 20, size=100, used_at=now)
    assert retention.remove_unused(now + timedelta(hours=1)) == 0
    assert retention.remove_unused(now + 2 * DAY) == 1
    assert not storages["files"].exists(name)
    assert not Blob.objects.exists()
