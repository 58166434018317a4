"""The servers that are measured, as `tests.live` starts them, and applications that do nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from sentrylite import postgres
from tests import live

from . import processes
from .processes import Usage

ROOT = Path(__file__).resolve().parents[1]


class Served:
    """A running server, as far as a measurement needs to know it."""

    def __init__(self, server: live.Server, workers: int = 1) -> None:
        self.workers = workers
        self._server = server
        self.port = urlsplit(server.url).port or 80

    def server_pids(self) -> set[int]:
        """Its processes but for PostgreSQL's."""
        return processes.tree(self._server.process.pid, without=self._postmaster())

    def postgres_pids(self) -> set[int]:
        postmaster = self._postmaster()
        return processes.tree(postmaster) if postmaster is not None else set()

    def usage(self) -> tuple[Usage, Usage]:
        """Of the server and of PostgreSQL, from their start until now."""
        return processes.usage_of(self.server_pids()), processes.usage_of(self.postgres_pids())

    def _postmaster(self) -> int | None:
        """The process that all others of PostgreSQL descend from; None where there is none."""
        try:
            lines = (self._server.data_dir / "pgdata" / "postmaster.pid").read_text().split()
        except OSError:
            return None
        return int(lines[0])


class Meter:
    """What was used while a block ran."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.cpu = 0.0
        """Seconds of the server's processes; this and the next."""
        self.postgres_cpu = 0.0
        self.foreign = 0.0
        """The share of the machine that other programs took: neither server nor PostgreSQL, nor
        we and our children."""
        self.server: Usage
        """As it is at the end."""

    def __enter__(self) -> Self:
        self._server_before, self._postgres_before = self._served.usage()
        self._machine_before, self._own_before = processes.machine(), sum(os.times()[:4])
        return self

    def __exit__(self, *_: object) -> None:
        self.server, postgres = self._served.usage()
        self.cpu = self.server.cpu - self._server_before.cpu
        self.postgres_cpu = postgres.cpu - self._postgres_before.cpu
        busy, there = (
            now - before
            for now, before in zip(processes.machine(), self._machine_before, strict=True)
        )
        own = sum(os.times()[:4]) - self._own_before
        self.foreign = max(0.0, busy - self.cpu - self.postgres_cpu - own) / there


class Sentrylite(Served):
    """`sentrylite serve` with a PostgreSQL of its own, and an organization in it."""

    organization = "bench"

    def __init__(self, server: live.Server, workers: int) -> None:
        super().__init__(server, workers)
        self.token: str = server.setup(organization=self.organization)["token"]

    @property
    def database_url(self) -> str:
        return postgres.Cluster(self._server.data_dir).url

    def make_project(self, slug: str) -> tuple[int, str]:
        """A new project: its id and its public key."""
        made = self._server.setup(organization=self.organization, project=slug)
        return int(made["project_id"]), urlsplit(made["dsn"]).username or ""


@contextmanager
def sentrylite(workers: int) -> Iterator[Sentrylite]:
    """A server on an empty database, as long as the block lasts."""
    with live.server(workers=workers, environment={"LOG_LEVEL": "WARNING"}) as server:
        yield Sentrylite(server, workers)


@contextmanager
def noop(factory: str, workers: int) -> Iterator[Served]:
    """An application of `benchmarks.noop` behind the same server with the same options."""
    with live.temporary_dir() as directory:
        port, log = live.free_port(), directory / "noop.log"
        command = [sys.executable, "-m", "granian", f"benchmarks.noop:{factory}", "--factory"]
        command += ["--interface", "asgi", "--loop", "uvloop", "--no-ws", "--backlog", "1024"]
        command += ["--port", str(port), "--workers", str(workers), "--log-level", "warning"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        server = live.Server(f"http://127.0.0.1:{port}", directory, process, log)
        try:
            live.wait_until_healthy(server)
            yield Served(server, workers)
        finally:
            process.terminate()
            process.wait()
