"""Real servers for tests: `with live.server() as server:` and then `server.url`, `server.setup()`.

A server has a data directory of its own with its own PostgreSQL; both go when the block ends.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentrylite import postgres

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
PATIENCE = 180.0

# What a test's own surroundings say is not for a server that is to find its own.
NOT_INHERITED = ("DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")


@dataclass
class Server:
    """A `sentrylite serve` that runs, or did until it was stopped."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path
    """What it has printed."""

    def setup(self, **options: Any) -> dict[str, Any]:
        """`setup(organization="acme", project="shop")`: what `sentrylite setup --json` says."""
        arguments = ["setup", "--json", "--data-dir", str(self.data_dir)]
        for name, value in options.items():
            flag = f"--{name}"
            arguments += [flag] if value is True else [flag, str(value)]
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def get(self, path: str, *, token: str | None = None) -> tuple[int, bytes]:
        return fetch(self.url + path, token=token)

    def send_event(self, dsn: str, event: Mapping[str, Any]) -> tuple[int, bytes]:
        """Send one event in an envelope, as an SDK with this DSN does."""
        key, _, address = dsn.partition("://")[2].partition("@")
        project_id = address.rpartition("/")[2]
        item = json.dumps(event)
        body = f'{{}}\n{{"type":"event","length":{len(item.encode())}}}\n{item}\n'
        return fetch(
            f"{self.url}/api/{project_id}/envelope/?sentry_key={key}&sentry_version=7",
            data=body.encode(),
        )

    def stop(self, signum: int = signal.SIGTERM, *, within: float = 20.0) -> int:
        """Stop the server; its exit code."""
        self.process.send_signal(signum)
        return self.process.wait(within)


@contextmanager
def server(
    *arguments: str,
    data_dir: Path | None = None,
    workers: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server that is ready to answer, on a free port.

    In a new data directory, or in `data_dir`, which then stays. `arguments` are more of those of
    `sentrylite serve`.
    """
    if data_dir is None:
        with temporary_dir() as top:
            yield from _serving(arguments, top / "data", workers, environment)
    else:
        yield from _serving(arguments, data_dir, workers, environment)


def _serving(
    arguments: tuple[str, ...],
    data_dir: Path,
    workers: int,
    environment: Mapping[str, str] | None,
) -> Iterator[Server]:
    port = free_port()
    log = data_dir.with_name(f"{data_dir.name}-{port}.log")
    command = [sys.executable, str(MANAGE), "serve", "--data-dir", str(data_dir)]
    command += ["--port", str(port), "--workers", str(workers), *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=_environment(environment)
        )
    running = Server(f"http://127.0.0.1:{port}", data_dir, process, log)
    try:
        wait_until_healthy(running)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_healthy(running: Server) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        if running.process.poll() is not None:
            break
        try:
            if running.get("/_health/")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server is not there; it said:\n{running.log.read_text()}")


def run(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `sentrylite` with these arguments to its end."""
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=_environment(environment),
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def worker(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A `sentrylite worker` on the database of a server; what it says is in its `stderr`."""
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "worker", "--data-dir", str(data_dir)],
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(None),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def fetch(
    url: str,
    *,
    method: str | None = None,
    token: str | None = None,
    data: bytes | None = None,
    content_type: str | None = None,
) -> tuple[int, bytes]:
    """Status and body of an answer, whatever the status."""
    request = urllib.request.Request(url, data, method=method)
    if content_type:
        request.add_header("Content-Type", content_type)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@contextmanager
def temporary_dir() -> Iterator[Path]:
    """A directory that root's PostgreSQL can reach too, unlike pytest's own `tmp_path`."""
    top = Path(tempfile.mkdtemp(prefix="sentrylite-live-"))
    top.chmod(0o755)
    try:
        yield top
    finally:
        for pgdata in top.glob("*/pgdata"):
            postgres.Cluster(pgdata.parent).stop()
        shutil.rmtree(top, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_INHERITED and not name.startswith("SENTRYLITE_")
    }
    return kept | dict(more or {})
