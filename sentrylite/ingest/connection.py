"""A database connection of one long-lived thread, outside Django's handling of requests."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from django.db import connections

T = TypeVar("T")

# What psycopg2 raises when the server is gone or going.
Lost = (psycopg2.OperationalError, psycopg2.InterfaceError)


# Statements that are prepared are planned once, not for each batch by its size; and again every few
# seconds, because a plan for an empty table would stay until somebody analyzes the table.
SETTINGS = "SET TIME ZONE 'UTC'; SET plan_cache_mode = force_generic_plan"
PLANS_LAST = 10.0
FORGET_PLANS = "DISCARD PLANS"


class Connection:
    """Opened at first use and again after it was lost. One thread at a time."""

    def __init__(self, name: str, on_connect: Callable[[Any], None] | None = None) -> None:
        self._name = name
        self._on_connect = on_connect
        self._raw: psycopg2.extensions.connection | None = None
        self._planned_at = 0.0

    def run(self, work: Callable[[Any], T]) -> T:
        """Call `work(cursor)` in a transaction and commit it.

        Any exception rolls back. After a lost connection the next call opens a new one; whether
        the transaction that was under way was committed is then for the caller to find out. That it
        was lost is always one of `Lost`.
        """
        raw = self._raw or self._open()
        try:
            with raw, raw.cursor() as cursor:
                if time.monotonic() - self._planned_at > PLANS_LAST:
                    cursor.execute(FORGET_PLANS)
                    self._planned_at = time.monotonic()
                return work(cursor)
        except BaseException as error:
            # What has no code the server has not said. The driver need not have noticed yet that it
            # is gone, and then calls it no operational error.
            is_lost = type(error) is psycopg2.DatabaseError and error.pgcode is None
            if is_lost:
                raw.close()
            if raw.closed:
                self._raw = None
            if is_lost:
                raise psycopg2.OperationalError(str(error)) from error
            raise

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def _open(self) -> psycopg2.extensions.connection:
        parameters = connections["default"].get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        parameters["application_name"] = f"sentrylite {self._name}"
        raw = psycopg2.connect(**parameters)
        try:
            with raw, raw.cursor() as cursor:
                cursor.execute(SETTINGS)
                if self._on_connect:
                    self._on_connect(cursor)
        except BaseException:
            raw.close()
            raise
        self._raw = raw
        return raw
