"""The figures as tables for people, and as JSON; and the bars that they have to meet."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import ingest, reads

# CPU milliseconds, server and PostgreSQL together, of an event and of a request.
INGEST_BAR = 2.5
READ_BARS = {"issue details": 4.0, "organization stats": 2.5}
# MB of all processes of a server with two workers, PostgreSQL not among them.
MEMORY_BAR = 250.0
MEMORY_BAR_WORKERS = 2

NOTES = """\
CPU is milliseconds for each event or request; it is what to compare when other programs use the
machine (foreign). The no-op is the same server with an application that does nothing: it reads the
same bodies, or is a REST framework view without a database.
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that has to stay below a figure."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Report:
    ingest: list[ingest.Row]
    reads: list[reads.Row]

    @property
    def problems(self) -> list[str]:
        rows: list[ingest.Row | reads.Row] = [*self.ingest, *self.reads]
        return [
            f"{row.name}, {row.workers} workers: {problem}"
            for row in rows
            for problem in row.problems
        ]

    def bars(self) -> Iterator[Bar]:
        for row in self.ingest:
            name = f"{row.name} event, {row.workers} workers"
            yield Bar(f"CPU of a {name}", row.total_cpu, INGEST_BAR, "ms")
        for read in self.reads:
            if read.name in READ_BARS:
                name = f"{read.name}, {read.workers} workers, {read.connections} connections"
                yield Bar(f"CPU of {name}", read.total_cpu, READ_BARS[read.name], "ms")
        memory = [row.rss for row in self.ingest if row.workers == MEMORY_BAR_WORKERS]
        if memory:
            name = f"memory of {MEMORY_BAR_WORKERS} workers"
            yield Bar(name, max(memory), MEMORY_BAR, "MB")

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "ingest": [asdict(row) | {"total_cpu": row.total_cpu} for row in self.ingest],
            "reads": [asdict(row) | {"total_cpu": row.total_cpu} for row in self.reads],
            "bars": [asdict(bar) | {"is_met": bar.is_met} for bar in self.bars()],
        }

    def as_text(self) -> str:
        parts = [f"{machine()['cores']} cores, Python {machine()['python']}\n\n{NOTES}"]
        if self.ingest:
            parts.append(f"Events, {ingest.CONNECTIONS} connections\n\n{self._ingest_table()}")
        if self.reads:
            parts.append(f"Reads\n\n{self._reads_table()}")
        parts.append("".join(f"{describe(bar)}\n" for bar in self.bars()))
        parts.append("".join(f"WRONG: {problem}\n" for problem in self.problems))
        return "\n".join(filter(None, parts))

    def _ingest_table(self) -> str:
        return table(
            "corpus|workers|events/s|p50 ms|p99 ms|CPU|server|PostgreSQL|no-op|RSS MB|PSS MB"
            "|sender|foreign",
            [
                (
                    row.name,
                    str(row.workers),
                    f"{row.rate:.0f}",
                    f"{row.p50:.1f}",
                    f"{row.p99:.1f}",
                    f"{row.total_cpu:.2f}",
                    f"{row.cpu:.2f}",
                    f"{row.postgres_cpu:.2f}",
                    f"{row.noop_cpu:.2f}",
                    f"{row.rss:.0f}",
                    f"{row.pss:.0f}",
                    f"{row.load_cpu:.2f}",
                    f"{row.foreign:.0%}",
                )
                for row in self.ingest
            ],
        )

    def _reads_table(self) -> str:
        noop = {
            (row.workers, row.connections): row.cpu for row in self.reads if row.name == reads.NOOP
        }
        return table(
            "request|workers|connections|requests/s|p50 ms|p99 ms|CPU|server|PostgreSQL|x no-op"
            "|bytes|foreign",
            [
                (
                    row.name,
                    str(row.workers),
                    str(row.connections),
                    f"{row.rate:.0f}",
                    f"{row.p50:.1f}",
                    f"{row.p99:.1f}",
                    f"{row.total_cpu:.2f}",
                    f"{row.cpu:.2f}",
                    f"{row.postgres_cpu:.2f}",
                    f"{row.total_cpu / noop[row.workers, row.connections]:.1f}",
                    str(row.bytes),
                    f"{row.foreign:.0%}",
                )
                for row in self.reads
            ],
        )


def describe(bar: Bar) -> str:
    verdict = "met" if bar.is_met else "NOT MET"
    return f"{bar.name}: {bar.value:.2f} of {bar.limit:g} {bar.unit}, {verdict}"


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "python": platform.python_version()}


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be, the first one flush left."""
    lines = [head.split("|"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + "\n"
        for line in lines
    )
