"""The settings of the embedded PostgreSQL: measured for this work load, modest in memory."""

import os
from collections.abc import Mapping
from pathlib import Path

PORT = 5432  # nothing listens on it: it is a part of the socket's name

# fsync, full_page_writes and synchronous_commit stay on: an acknowledged event is on the disk.
SETTINGS: dict[str, str | int] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": 100,
    "work_mem": "16MB",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # Parallel queries pass their rows through /dev/shm, of which a container has 64 MB.
    "max_parallel_workers_per_gather": 0,
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_cost_limit": 2000,
    "timezone": "UTC",
    # A week of logs, a file a day, each overwritten after seven days.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": 0,
    "log_timezone": "UTC",
    "log_lock_waits": "on",
    # Statements carry people's data and do not belong in a log, failed or not.
    "log_min_error_statement": "panic",
}


def render(
    settings: Mapping[str, str | int], *, pgdata: Path, socket_dir: Path, log_dir: Path, lz4: bool
) -> str:
    """The configuration file; initdb's comes first, `ALTER SYSTEM` has the last word."""
    memory = memory_megabytes()
    measured: dict[str, str | int] = {
        "log_directory": str(log_dir),
        "shared_buffers": f"{min(max(memory // 8, 16), 512)}MB",
        "effective_cache_size": f"{max(memory // 2, 64)}MB",
        "maintenance_work_mem": f"{min(max(memory // 16, 32), 256)}MB",
        "wal_compression": "lz4" if lz4 else "pglz",
    }
    where: dict[str, str | int] = {"port": PORT, "unix_socket_directories": str(socket_dir)}
    chosen = SETTINGS | measured | dict(settings) | where
    lines = [
        "# Written by sentrylite at every start. To change a setting, use ALTER SYSTEM.",
        f"include {_quote(pgdata / 'postgresql.conf')}",
        *(f"{name} = {_quote(value)}" for name, value in chosen.items()),
    ]
    return "\n".join(lines) + "\n"


def memory_megabytes() -> int:
    """The memory there is: the machine's, or less if our container is limited to less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    for limit in limits:  # version 2, version 1
        try:
            memory = min(memory, int(Path(limit).read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return memory // 2**20


def _quote(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
