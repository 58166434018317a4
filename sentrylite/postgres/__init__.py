"""An embedded PostgreSQL: found, set up, started, shared between commands and stopped."""

from sentrylite.postgres.binaries import Binaries, find_binaries
from sentrylite.postgres.cluster import Cluster
from sentrylite.postgres.directories import default_data_dir
from sentrylite.postgres.errors import PostgresError
from sentrylite.postgres.sharing import lock, running

__all__ = [
    "Binaries",
    "Cluster",
    "PostgresError",
    "default_data_dir",
    "find_binaries",
    "lock",
    "running",
]
