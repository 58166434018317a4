"""CPU time and memory of processes and their descendants, from /proc."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of several processes together."""

    processes: int
    cpu: float
    """Seconds since they began; those of children that have ended are their parents'."""
    rss: int
    """Bytes now; what processes share counts in each of them."""
    peak_rss: int
    """The sum of the largest each of them has been."""
    pss: int
    """Bytes now; what processes share counts once. 0 of processes we may not look into."""


def usage_of(pids: Iterable[int]) -> Usage:
    """The sum over processes; one that has ended meanwhile adds nothing."""
    count, cpu = 0, 0.0
    memory = {"VmRSS": 0, "VmHWM": 0, "Pss": 0}
    for pid in pids:
        fields = _stat(pid)
        if fields is None:
            continue
        count += 1
        # User and system time, its own and that of the children it has waited for.
        cpu += sum(map(int, fields[11:15])) / TICKS
        for line in [*_lines(pid, "status"), *_lines(pid, "smaps_rollup")]:
            name, _, value = line.partition(":")
            if name in memory:
                memory[name] += int(value.split()[0]) * 1024
    return Usage(count, cpu, memory["VmRSS"], memory["VmHWM"], memory["Pss"])


def tree(root: int, *, without: int | None = None) -> set[int]:
    """A process and its descendants, without another one and its own."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, new = set(), [root]
    while new:
        pid = new.pop()
        if pid != without and pid not in found:
            found.add(pid)
            new += children.get(pid, [])
    return found


def machine() -> tuple[float, float]:
    """Seconds that all cores together were busy, and that they were there, since the start."""
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = [
        int(value) / TICKS for value in _lines_of(Path("/proc/stat"))[0].split()[1:]
    ]
    busy = user + nice + system + irq + softirq + steal
    return busy, busy + idle + iowait


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on, which is the third; None of a process that
    has ended."""
    lines = _lines(pid, "stat")
    # The name before it may hold spaces and parentheses.
    return lines[0].rpartition(")")[2].split() if lines else None


def _lines(pid: int, name: str) -> list[str]:
    return _lines_of(Path("/proc", str(pid), name))


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
