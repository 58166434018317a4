"""Contents as files on this machine's disk, which is what the engine reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

from sentrylite.files import store
from sentrylite.files.models import Blob


@contextmanager
def local_path(blob: Blob) -> Iterator[str]:
    """The path of a content, which is fetched first when the storage is elsewhere; good within the
    block. Raises OSError."""
    try:
        path = store.storage().path(blob.name)
    except NotImplementedError:
        with NamedTemporaryFile() as copy, store.open_blob(blob) as content:
            store.append(copy, content, blob.size)
            copy.flush()
            yield copy.name
    else:
        yield path
