"""Tasks for tests. What they have done is in the database, like what real ones do."""

import os
import time
from datetime import timedelta
from pathlib import Path

from django.db import OperationalError

from sentrylite.accounts.models import User
from sentrylite.background import checkpoint, retried, task


class Unreachable(Exception):
    pass


@task
def greet(name: str) -> None:
    User.objects.create(username=name, email=f"{name}@example.com")


@task
def fail(reason: str) -> None:
    raise ValueError(reason)


@task
@retried(Unreachable, attempts=3, first=timedelta(seconds=10), longest=timedelta(seconds=15))
def deliver(error: str) -> None:
    raise Unreachable if error == "unreachable" else ValueError(error)


@task
def deadlock() -> None:
    raise OperationalError("deadlock detected")


@task
def count_to(number: int) -> None:
    """One user for each, a checkpoint after each; goes on where it stopped."""
    for email in (f"{step}@example.com" for step in range(number)):
        if not User.objects.filter(email=email).exists():
            User.objects.create(username=email, email=email)
            checkpoint()


@task
def linger(path: str) -> None:
    """Note the process; the first one stays, until it is killed."""
    noted = Path(path).exists()
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")
    while not noted:
        time.sleep(0.1)


@task
def count(number: int) -> None:
    User.objects.create(username=str(number), email=f"{number}@example.com")
