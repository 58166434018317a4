"""A pytest plugin: the tests' environment, with a PostgreSQL of their own without DATABASE_URL.

Loaded by `-p tests.postgres`, before pytest-django imports the settings that read DATABASE_URL.
"""

import argparse
import atexit
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sentrylite import postgres

PREFIX = f"sentrylite-tests-{os.geteuid()}-"

# Nothing here has to survive a crash. A connection per thread, times workers of pytest-xdist.
SETTINGS: dict[str, str | int] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": 200,
}

_resources = ExitStack()


# A wrapper's first half runs before every plain hook, so before pytest-django's.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    options = parser.parse_known_args(args)
    os.environ.setdefault("SECRET_KEY", "signs nothing outside the tests")
    # Workers of pytest-xdist find the variable in the environment they inherit.
    if "DATABASE_URL" not in os.environ and not _only_prints(options):
        try:
            start()
        except postgres.PostgresError as error:
            raise pytest.UsageError(
                f"no database for the tests, set DATABASE_URL or TMPDIR: {error}"
            ) from error
    elif "SENTRYLITE_FILES" not in os.environ:
        _keep_files_in_a_temporary_directory()
    return (yield)


def pytest_unconfigure() -> None:
    _stop(os.getpid())


def start() -> None:
    """Start a server in a fresh directory and name it in DATABASE_URL, until the process ends."""
    remove_abandoned()
    data_dir = Path(tempfile.gettempdir()) / f"{PREFIX}{secrets.token_hex(4)}"
    # For runs that end before pytest_unconfigure is sure to be called, such as usage errors.
    atexit.register(_stop, os.getpid())
    _resources.callback(shutil.rmtree, data_dir, ignore_errors=True)
    _resources.enter_context(postgres.lock(data_dir))
    os.environ["DATABASE_URL"] = _resources.enter_context(postgres.running(data_dir, SETTINGS))
    _resources.callback(os.environ.pop, "DATABASE_URL")
    # Workers of pytest-xdist share it: no two files have the same name.
    os.environ["SENTRYLITE_FILES"] = str(data_dir / "files")
    _resources.callback(os.environ.pop, "SENTRYLITE_FILES")


def _keep_files_in_a_temporary_directory() -> None:
    directory = tempfile.mkdtemp(prefix=f"files-{PREFIX}")
    os.environ["SENTRYLITE_FILES"] = directory
    _resources.callback(os.environ.pop, "SENTRYLITE_FILES")
    _resources.callback(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(_stop, os.getpid())


def remove_abandoned() -> None:
    """Stop and remove the servers of runs that were killed."""
    for data_dir in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            status = data_dir.lstat()
        except FileNotFoundError:
            continue  # its own run has just removed it
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < 60:
            continue  # not ours, or one that another run is making just now and has yet to lock
        try:
            with postgres.lock(data_dir):
                postgres.Cluster(data_dir).stop()
        except postgres.PostgresError:
            continue  # of a run that is still going on
        shutil.rmtree(data_dir, ignore_errors=True)


def _stop(started_by: int) -> None:
    if os.getpid() == started_by:  # a forked child is not the one to stop it
        _resources.close()


def _only_prints(options: argparse.Namespace) -> bool:
    return bool(options.help or options.version)
