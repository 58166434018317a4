"""One embedded PostgreSQL: a data directory, its settings, and the server that runs on it."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg2

from sentrylite.postgres import binaries, configuration, directories
from sentrylite.postgres.accounts import Account, server_account
from sentrylite.postgres.errors import PostgresError
from sentrylite.postgres.waiting import patiently

USER = DATABASE = "sentrylite"

# How many seconds the sessions of a killed server may take to notice and go.
ORPHANS_LEAVE_WITHIN = 60.0


class Postmaster(NamedTuple):
    """What `postmaster.pid` says about the running server."""

    pid: int
    socket_dir: Path
    status: str  # starting, ready or stopping


class Cluster:
    """One PostgreSQL server on one data directory.

    A server that runs there already, left behind by a process that was killed, is adopted. The
    methods are for one caller at a time; `running()` is for processes that share a cluster.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str | int] | None = None) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.pgdata = self.data_dir / "pgdata"
        self.log_dir = self.data_dir / "log"
        self.settings = settings or {}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """A DATABASE_URL that libpq and django-environ read alike.

        The socket's directory travels in the query: django-environ does not decode a host.
        """
        postmaster = self._postmaster()
        # An adopted server's socket is where its starter's temporary directory was.
        directory = postmaster.socket_dir if postmaster else directories.socket_dir(self.data_dir)
        host, port = quote(str(directory), safe=""), configuration.PORT
        return f"postgres://{USER}@/{DATABASE}?host={host}&port={port}"

    def is_running(self) -> bool:
        return self._postmaster() is not None

    def start(self) -> str:
        """Start the server unless it runs, wait until it takes connections; its URL."""
        postmaster = self._postmaster()
        if not (postmaster and self._wait_until_ready(postmaster.pid)):
            try:
                self._launch()
            except OSError as error:  # a full disk, a file system that is read-only
                raise PostgresError(f"cannot set up {self.data_dir}: {error}") from error
        self._ensure_database()
        return self.url

    def stop(self) -> None:
        """Stop the server if it runs: sessions are ended, everything is written out."""
        if self._child and self._child.poll() is None:
            pid = self._child.pid
        elif postmaster := self._postmaster():
            pid = postmaster.pid
        else:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)  # "fast shutdown"
        self._wait_until_gone(pid)
        self._child = None
        if (directory := directories.socket_dir(self.data_dir)).parent != self.data_dir:
            with suppress(OSError):
                directory.rmdir()

    def leave(self) -> None:
        """Let the server run on without us."""
        if self._child:
            self._child.returncode = 0  # else Popen warns that its process is still running
            self._child = None

    # Preparing ------------------------------------------------------------------------------

    def _launch(self) -> None:
        if self._child:
            self._child.poll()  # one that was killed: reaped
        account = server_account(self.pgdata)
        directories.make_data_dir(self.data_dir, account)
        programs = binaries.within_reach(
            binaries.find_binaries(), account, self.data_dir / "programs"
        )
        if not self.pgdata.exists():
            self._initialize(programs, account)
        self._check_version(programs)
        socket_dir = directories.socket_dir(self.data_dir)
        directories.make_private_dir(socket_dir, account)
        directories.make_private_dir(self.log_dir, account)
        self._remove_stale_locks(socket_dir)
        configuration_file = self._write_configuration(programs, socket_dir)
        command: list[str | Path] = [programs.postgres]
        command += ["-D", self.pgdata, "-c", f"config_file={configuration_file}"]
        give_up_at = time.monotonic() + ORPHANS_LEAVE_WITHIN
        while complaint := self._spawn(command, account):
            # The sessions of a postmaster that was killed finish their statement first.
            if "is still in use" not in complaint or time.monotonic() > give_up_at:
                raise PostgresError(f"PostgreSQL did not start: {complaint} (log: {self.log_dir})")
            time.sleep(0.2)

    def _initialize(self, programs: binaries.Binaries, account: Account) -> None:
        """Make `pgdata`, beside its place first: an initdb that was cut short leaves no trace."""
        if not account.has_entry:
            raise PostgresError(
                f"user id {account.name} has no entry in the password database (/etc/passwd),"
                " without which PostgreSQL makes no database: add one, or set DATABASE_URL"
            )
        for left_over in self.data_dir.glob("pgdata.half-made-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        # A new name each time: the initdb of a process that was killed may be still at it.
        half_made = Path(tempfile.mkdtemp(prefix="pgdata.half-made-", dir=self.data_dir))
        directories.make_private_dir(half_made, account)
        options = ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
        if self.settings.get("fsync") == "off":
            options.append("--no-sync")
        result = account.run(programs.initdb, "-D", half_made, "-U", USER, *options)
        if result.returncode != 0:
            raise PostgresError(f"initdb failed: {_complaint(result.stderr) or result.stderr!r}")
        half_made.rename(self.pgdata)

    def _check_version(self, programs: binaries.Binaries) -> None:
        try:
            version = (self.pgdata / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise PostgresError(
                f"{self.pgdata} is there but holds no database ({error.strerror}): move it away"
            ) from error
        if version != str(programs.major):
            raise PostgresError(
                f"{self.pgdata} was made by PostgreSQL {version}, this is {programs}: set"
                f" SENTRYLITE_PG_BIN to the programs of a PostgreSQL {version}, or move the data"
                " to a fresh data directory with pg_dump and psql"
            )

    def _write_configuration(self, programs: binaries.Binaries, socket_dir: Path) -> Path:
        text = configuration.render(
            self.settings,
            pgdata=self.pgdata,
            socket_dir=socket_dir,
            log_dir=self.log_dir,
            lz4=programs.has_lz4(),
        )
        path = self.data_dir / "postgresql.conf"
        with tempfile.NamedTemporaryFile("w", dir=self.data_dir, delete=False) as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)  # the server's account reads it
        os.replace(file.name, path)
        return path

    # Running --------------------------------------------------------------------------------

    def _postmaster(self) -> Postmaster | None:
        """The live server of this data directory, by its lock file."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, IndexError, ValueError):
            return None
        if not self._is_postmaster(pid):
            return None
        lines += [""] * 8  # while it starts, the file is still short
        return Postmaster(pid, Path(lines[4]), lines[7].strip() or "starting")

    def _is_postmaster(self, pid: int) -> bool:
        """Is this process the server of our data directory?

        That it exists is not enough, though postgres and pg_ctl take it for enough. Where nothing
        reaps orphans (PID 1 of many containers) a killed postmaster stays a zombie, and after a
        restart of the container its number belongs to somebody else.
        """
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()  # of a zombie: empty
        except OSError:
            if Path("/proc/self/cmdline").exists():
                return False
            return _exists(pid)  # no /proc on this system
        return os.fsencode(self.pgdata) in command.split(b"\0")

    def _remove_stale_locks(self, socket_dir: Path) -> None:
        # A new postmaster would believe in the zombie or stranger they name. Its check for shared
        # memory still in use does not depend on them, so nothing is lost if we were wrong.
        for lock in (self.pgdata / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)

    def _spawn(self, command: list[str | Path], account: Account) -> str:
        """Start the server and wait until it is ready; its complaint if it does not get there."""
        # What the server says before its own log is open; afterwards it writes there.
        with tempfile.TemporaryFile() as output:
            try:
                self._child = subprocess.Popen(  # noqa: S603 - programs found by find_binaries
                    command,
                    stdout=output,
                    stderr=output,
                    # A Ctrl-C in the terminal is for sentrylite, which stops the server last.
                    start_new_session=True,
                    **account.options,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise PostgresError(f"cannot run {command[0]}: {error}") from error
            if self._wait_until_ready(self._child.pid):
                return ""
            output.seek(0)
            said = output.read().decode(errors="replace")
        return _complaint(said) or _complaint(self._latest_log()) or "it said nothing"

    def _wait_until_ready(self, pid: int) -> bool:
        # No time limit: the recovery after a crash takes as long as there is WAL to replay.
        for _ in patiently(f"PostgreSQL is starting or recovering (log: {self.log_dir})"):
            if self._is_gone(pid):
                return False
            postmaster = self._postmaster()
            if postmaster and postmaster.pid == pid and postmaster.status == "ready":
                return True
        raise AssertionError("patience does not end")

    def _wait_until_gone(self, pid: int) -> None:
        for _ in patiently("PostgreSQL is stopping"):
            if self._is_gone(pid):
                return

    def _is_gone(self, pid: int) -> bool:
        if self._child and self._child.pid == pid:
            return self._child.poll() is not None
        return not self._is_postmaster(pid)

    def _latest_log(self) -> str:
        logs = sorted(self.log_dir.glob("*.log"), key=lambda log: log.stat().st_mtime)
        return logs[-1].read_text(errors="replace") if logs else ""

    def _ensure_database(self) -> None:
        try:
            connection = psycopg2.connect(self.url.replace(f"/{DATABASE}?", "/postgres?"))
        except psycopg2.OperationalError as error:
            reason = str(error).strip().partition("\n")[0]
            raise PostgresError(f"cannot use the embedded PostgreSQL: {reason}") from error
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if not cursor.rowcount:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def _complaint(output: str) -> str:
    """What PostgreSQL gave up with, after the line before it: that one often has the reason."""
    lines = re.findall(r"(LOG|FATAL|PANIC|error): +(.+)", output)
    while lines and lines[-1][0] == "LOG":
        lines.pop()
    return "; ".join(text for _, text in lines[-2:])
