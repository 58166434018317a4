"""The operating-system account PostgreSQL runs as: ours, or an unprivileged one for root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentrylite.postgres.errors import PostgresError


@dataclass(frozen=True)
class Account:
    """An account, and how to run a program as it."""

    uid: int
    gid: int
    name: str
    has_entry: bool = True  # in the password database

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this account, wherever we stand."""
        # PG* variables of the caller would redirect or reconfigure initdb and postgres.
        environment = {name: value for name, value in os.environ.items() if name[:2] != "PG"}
        options: dict[str, Any] = {
            "env": environment | {"LC_ALL": "C.UTF-8"},
            "cwd": "/",  # our own working directory may be out of the account's reach
            "stdin": subprocess.DEVNULL,
        }
        if not self.is_ours:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - our own commands, never through a shell
                command, capture_output=True, text=True, check=False, **self.options
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PostgresError(
                f"cannot run {command[0]} as account {self.name!r}: {error}"
            ) from error

    def can_run(self, *command: str | Path) -> bool:
        try:
            return self.run(*command).returncode == 0
        except PostgresError:
            return False

    def can_enter(self, directory: Path) -> bool:
        # Asked of the kernel, as that account: mode bits alone know no ACLs and no groups.
        return self.can_run("/bin/sh", "-c", 'test -x "$1"', "sh", directory)


def server_account(pgdata: Path) -> Account:
    """The account that has to run the server of `pgdata`, whether that exists yet or not.

    postgres refuses to run as root. Root therefore runs it as the owner of `pgdata`, and makes a
    new one for the account `postgres`, else `nobody`. `nobody` is shared: whatever else runs
    under that name on this machine can reach the database, so `postgres` is the better one.
    """
    ours = _account(os.geteuid(), os.getegid())
    try:
        status = pgdata.stat()
    except OSError:
        owner = None
    else:
        owner = _account(status.st_uid, status.st_gid)
    if ours.uid != 0:
        if owner and not owner.is_ours:
            raise PostgresError(
                f"{pgdata} belongs to account {owner.name!r}: run as that account or as root, or"
                " set SENTRYLITE_DATA_DIR to a directory of your own"
            )
        return ours
    if owner:
        if owner.is_ours:
            raise PostgresError(
                f"{pgdata} belongs to root, as which PostgreSQL refuses to run: give it to the"
                " account that ran it before (chown -R), such as postgres or nobody"
            )
        return owner
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name)
    raise PostgresError(
        "PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody' to run"
        " it as: add one, run as an ordinary account, or set DATABASE_URL"
    )


def _account(uid: int, gid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # docker run --user 1234
        return Account(uid, gid, str(uid), has_entry=False)
    return Account(uid, entry.pw_gid, entry.pw_name)
