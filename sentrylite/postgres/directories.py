"""Where an embedded PostgreSQL keeps its things, and who may enter there."""

import hashlib
import os
import tempfile
from pathlib import Path

from sentrylite.postgres.accounts import Account, server_account
from sentrylite.postgres.errors import PostgresError

SYSTEM_DATA_DIR = Path("/var/lib/sentrylite")

# A socket's whole path has to fit into 104 to 108 bytes, by system; its name is .s.PGSQL.5432.
LONGEST_SOCKET_DIR = 85


def default_data_dir() -> Path:
    """SENTRYLITE_DATA_DIR, else .sentrylite here, else (root, in a closed directory) /var/lib."""
    if chosen := os.environ.get("SENTRYLITE_DATA_DIR"):
        return Path(chosen).expanduser().resolve()
    here = Path.cwd() / ".sentrylite"
    if os.geteuid() != 0:
        return here
    try:
        account = server_account(here / "pgdata")
    except PostgresError:  # said by whoever starts the server; with a DATABASE_URL nobody has to
        return here
    return here if account.can_enter(_nearest_existing(here)) else SYSTEM_DATA_DIR


def make_data_dir(data_dir: Path, account: Account) -> None:
    """Make the data directory unless it exists; only we and the server's account may enter it."""
    existing = _nearest_existing(data_dir)
    if not account.can_enter(existing):
        better = "of your own" if account.is_ours else f"it can reach, such as {SYSTEM_DATA_DIR}"
        raise PostgresError(
            f"PostgreSQL runs as account {account.name!r}, which cannot enter {existing}: set"
            f" SENTRYLITE_DATA_DIR to a directory {better}"
        )
    if existing == data_dir:
        return
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not account.is_ours:
            os.chown(data_dir, -1, account.gid)
        data_dir.chmod(0o700 if account.is_ours else 0o710)
    except OSError as error:
        raise PostgresError(
            f"cannot make the data directory {data_dir} ({error.strerror}): set"
            " SENTRYLITE_DATA_DIR to a directory that can be written"
        ) from error


def make_private_dir(directory: Path, account: Account) -> None:
    """Make a directory that nobody but the server's account (and root) may enter.

    The server trusts whoever reaches its socket, so this is what keeps other users out. A
    directory that is there already must be a real one and ours: one in the temporary directory
    may have been put in our way by somebody else.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise PostgresError(f"cannot make the directory {directory}: {error.strerror}") from error
    try:
        if os.fstat(descriptor).st_uid not in {os.geteuid(), account.uid}:
            raise PostgresError(f"{directory} belongs to another account: remove it")
        if not account.is_ours:
            os.fchown(descriptor, account.uid, account.gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def socket_dir(data_dir: Path) -> Path:
    """The directory of the server's socket: `run` in the data directory if a socket can be there.

    A path that is too long for a socket, or that has a comma (which separates hosts for libpq),
    is replaced by a short one in the temporary directory, named after a hash of the path.
    """
    inside = data_dir / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIR and not set(',"') & set(str(inside)):
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"sentrylite-{digest}"


def _nearest_existing(path: Path) -> Path:
    # Not Path.exists(), which raises where we may not look.
    return next(place for place in (path, *path.parents) if os.path.exists(place))
