"""The database as it has to be: reachable, new enough, with today's tables."""

import sys

from django.core.management import call_command
from django.db import DatabaseError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

OLDEST_VERSION = 15
# Arbitrary, and nobody else's: advisory locks are numbers.
LOCK = 7_265_741_100_000_002


class Unusable(Exception):
    """The database cannot be used as it is; one line that says what to do about it."""


def ensure() -> None:
    """Make or update the tables if they are not today's. Raises Unusable.

    Processes that do so at the same time do it one after the other.
    """
    check_server()
    if not _missing_migrations():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            if missing := _missing_migrations():
                print(f"Preparing the database: {missing} migrations.", file=sys.stderr)
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def check_server() -> None:
    """Raises Unusable when there is no server or an old one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10_000
    except NotSupportedError as error:  # older than even Django allows
        raise Unusable(f"{_line(error)}; sentrylite needs {OLDEST_VERSION} or later.") from error
    except DatabaseError as error:
        raise Unusable(f"cannot reach the database: {_line(error)}. Check DATABASE_URL.") from error
    if version < OLDEST_VERSION:
        raise Unusable(
            f"the database is PostgreSQL {version}; sentrylite needs {OLDEST_VERSION} or later."
        )


def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _line(error: Exception) -> str:
    """What the driver said, in one line. It names host and user, never the password."""
    return " ".join(str(error).split()).rstrip(".")
