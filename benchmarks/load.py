"""A closed-loop load generator for HTTP on loopback: each connection has one request under way.

It works on bare asyncio protocols, about 30 µs a request, and in a process of its own.
"""

import asyncio
import pickle
import subprocess
import sys
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

HOST = "127.0.0.1"
# An answer that takes so long does not come.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send."""

    port: int
    requests: Sequence[bytes]
    """Whole ones: see `post` and `get`."""
    connections: int
    seconds: float | None = None
    """Send the requests round and round for so long. None sends each of them once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    seconds: float
    """From the first request to the last answer."""
    cpu_seconds: float
    """What sending took, to see that it was not what the server waited for."""
    statuses: dict[int, int]
    """How many answers had which status."""
    unanswered: int
    """Requests whose connection was lost."""
    succeeded: list[int]
    """Which requests were answered with 200, by their index. As often as they were."""
    received_bytes: int
    p50: float
    """Latency in seconds; this and the next two."""
    p99: float
    slowest: float

    @property
    def rate(self) -> float:
        """Answers a second with status 200."""
        return len(self.succeeded) / self.seconds

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, when all were to be answered with 200."""
        if set(self.statuses) == {200} and not self.unanswered:
            return []
        return [f"answers by status {self.statuses}, none {self.unanswered}"]


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A POST request; header names have underscores for dashes."""
    return _head("POST", path, content_length=str(len(body)), **headers) + body


def get(path: str, **headers: str) -> bytes:
    return _head("GET", path, **headers)


def _head(method: str, path: str, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {HOST}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def run(plan: Plan) -> Outcome:
    """Send, in a process of its own, and wait for the last answer."""
    process = subprocess.run(
        [sys.executable, "-c", "from benchmarks import load; load.main()"],
        cwd=Path(__file__).resolve().parents[1],
        input=pickle.dumps(plan),
        stdout=subprocess.PIPE,
        check=True,
    )
    return pickle.loads(process.stdout)


def main() -> None:
    plan = pickle.load(sys.stdin.buffer)
    pickle.dump(uvloop.run(Run(plan).run()), sys.stdout.buffer)


class Run:
    """One execution of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.succeeded: list[int] = []
        self.unanswered = 0
        self.received_bytes = 0
        self._sent = 0
        self._ends_at = float("inf")

    async def run(self) -> Outcome:
        began, cpu_began = time.perf_counter(), time.process_time()
        if self.plan.seconds is not None:
            self._ends_at = began + self.plan.seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(self.plan.connections):
                group.create_task(self._keep_sending())
        seconds = time.perf_counter() - began
        latencies = sorted(self.latencies) or [0.0]
        return Outcome(
            seconds=seconds,
            cpu_seconds=time.process_time() - cpu_began,
            statuses=dict(self.statuses),
            unanswered=self.unanswered,
            succeeded=self.succeeded,
            received_bytes=self.received_bytes,
            p50=latencies[len(latencies) // 2],
            p99=latencies[len(latencies) * 99 // 100],
            slowest=latencies[-1],
        )

    def take(self) -> int | None:
        """The index of the next request, None when there are no more to send."""
        number = self._sent
        if self.plan.seconds is None:
            if number == len(self.plan.requests):
                return None
        elif time.perf_counter() >= self._ends_at:
            return None
        self._sent += 1
        return number % len(self.plan.requests)

    @property
    def is_over(self) -> bool:
        if self.plan.seconds is None:
            return self._sent == len(self.plan.requests)
        return time.perf_counter() >= self._ends_at

    async def _keep_sending(self) -> None:
        """One connection, opened again when it is lost, until there is no more to send or nobody
        listens."""
        loop = asyncio.get_running_loop()
        while not self.is_over:
            try:
                _, client = await loop.create_connection(lambda: Client(self), HOST, self.plan.port)
            except OSError:
                return
            await client.closed


class Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last one is complete."""

    def __init__(self, run: Run) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._run = run
        self._transport: asyncio.WriteTransport
        self._number: int | None = None
        self._sent_at = 0.0
        self._received = b""
        self._patience: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._watch()
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not is_complete(self._received):
            return
        run, number = self._run, self._number
        assert number is not None, "an answer that nobody asked for"
        run.latencies.append(time.perf_counter() - self._sent_at)
        run.received_bytes += len(self._received)
        status = int(self._received[9:12])
        run.statuses[status] += 1
        if status == 200:
            run.succeeded.append(number)
        self._received, self._number = b"", None
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if self._number is not None:
            self._run.unanswered += 1
        self._patience.cancel()
        self.closed.set_result(None)

    def _send(self) -> None:
        self._number = self._run.take()
        if self._number is None:  # all are sent
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._run.plan.requests[self._number])

    def _watch(self) -> None:
        """Give up when nothing was answered for long."""
        if self._number is not None and time.perf_counter() - self._sent_at > PATIENCE:
            self._transport.abort()
        self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._watch)


def is_complete(received: bytes) -> bool:
    """Whether this is all of an answer, which has a length or comes in chunks."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = received[:end].lower()
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        return len(received) >= end + 4 + int(rest.partition(b"\r\n")[0])
    if b"\r\ntransfer-encoding: chunked" in head:
        return received.endswith(b"\r\n0\r\n\r\n")  # as JSON, the body has no such line of its own
    return True
