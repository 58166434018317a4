"""Several commands, one data directory: who may serve it, and who stops PostgreSQL at the end."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sentrylite.postgres.accounts import server_account
from sentrylite.postgres.cluster import Cluster
from sentrylite.postgres.directories import make_data_dir
from sentrylite.postgres.errors import PostgresError
from sentrylite.postgres.waiting import patiently


@contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one server; refused while another process holds it.

    Forked children hold it as well, so it is free only when a killed server's workers are gone.
    """
    data_dir = data_dir.expanduser().resolve()
    with _lock_file(data_dir, "serve.lock") as descriptor:
        if not _try(descriptor, fcntl.LOCK_EX):
            holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
            raise PostgresError(
                f"{data_dir} is in use by process {holder}: stop that server first, or set"
                " SENTRYLITE_DATA_DIR to another directory"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield


@contextmanager
def running(data_dir: Path, settings: Mapping[str, str | int] | None = None) -> Iterator[str]:
    """PostgreSQL on this data directory for as long as the block lasts; yields its URL.

    Connects to a server that runs and starts one if there is none. Every block holds a shared
    lock on `postgres.users`: whoever finds at the end that nobody else does stops the server, no
    matter who started it. The kernel drops the locks of processes that are killed.
    """
    cluster = Cluster(data_dir, settings)
    with _lock_file(cluster.data_dir, "postgres.users") as users:
        try:
            with _starting_or_stopping(cluster.data_dir):
                fcntl.flock(users, fcntl.LOCK_SH)
                url = cluster.start()
            yield url
        finally:
            with _starting_or_stopping(cluster.data_dir):
                if _try(users, fcntl.LOCK_EX):
                    cluster.stop()
                else:
                    cluster.leave()


@contextmanager
def _starting_or_stopping(data_dir: Path) -> Iterator[None]:
    """One process at a time looks whether the server runs, and acts on what it saw."""
    with _lock_file(data_dir, "postgres.lock") as descriptor:
        for _ in patiently(f"another command is starting or stopping PostgreSQL in {data_dir}"):
            if _try(descriptor, fcntl.LOCK_EX):
                break
        yield


@contextmanager
def _lock_file(data_dir: Path, name: str) -> Iterator[int]:
    make_data_dir(data_dir, server_account(data_dir / "pgdata"))
    path = data_dir / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PostgresError(
            f"cannot open {path} ({error.strerror}): set SENTRYLITE_DATA_DIR to a directory that"
            " can be written"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
