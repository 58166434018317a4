"""Which errors of a task are worth another attempt, when, and how often."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Retry:
    """`attempts` in all, the pause between them doubled from `first` up to `longest`."""

    errors: tuple[type[Exception], ...]
    attempts: int
    first: timedelta
    longest: timedelta

    def pause_after(self, attempt: int) -> timedelta:
        """How long to wait after that attempt, counted from 1; a fifth more or less by chance, so
        that what failed together is not tried together."""
        doublings = min(attempt - 1, 30)
        pause = min(self.first * 2**doublings, self.longest)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311  no secret


# A lost connection, a deadlock, a full disk. As often as a task may be begun at all, also by
# processes that died of it.
DATABASE = Retry(
    (OperationalError, InterfaceError),
    attempts=20,
    first=timedelta(seconds=1),
    longest=timedelta(minutes=10),
)

_retries: dict[Callable[..., Any], Retry] = {}


def retried(
    *errors: type[Exception],
    attempts: int = 8,
    first: timedelta = timedelta(seconds=10),
    longest: timedelta = timedelta(hours=1),
) -> Callable[[Function], Function]:
    """Below `@task`: try again, later and later, after these errors. After the last attempt the
    task has failed like any other."""

    def remember(function: Function) -> Function:
        _retries[function] = Retry(errors, attempts, first, longest)
        return function

    return remember


def retry_after(function: Callable[..., Any], error: Exception) -> Retry | None:
    """How to go on after an error of a task's function; None when it is not to be tried again."""
    for retry in (_retries.get(function), DATABASE):
        if retry is not None and isinstance(error, retry.errors):
            return retry
    return None
