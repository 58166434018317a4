"""Contents as files on this machine's disk, which is what the engine reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

from django.core.files.storage import FileSystemStorage

from sentrylite.files import store
from sentrylite.files.models import Blob


@contextmanager
def local_path(blob: Blob) -> Iterator[str]:
    """The path of a content, which is fetched first when the storage is elsewhere; good within the
    block. Raises OSError."""
    storage = store.storage()
    if isinstance(storage, FileSystemStorage):
        yield storage.path(blob.name)
        return
    with NamedTemporaryFile() as copy, store.open_blob(blob) as content:
        store.append(copy, content, blob.size)
        copy.flush()
        yield copy.name
