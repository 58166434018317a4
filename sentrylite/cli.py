"""The `sentrylite` command: `serve` is ours, everything else is a command of Django's.

Django is imported only for the latter: the process of `sentrylite serve` is to stay small.
"""

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from sentrylite import postgres
from sentrylite.serving import files
from sentrylite.serving.errors import ServingError
from sentrylite.version import version

HELP = """\
sentrylite: an error-tracking server that speaks the Sentry API

usage: sentrylite COMMAND [options]

  serve             start the server, and PostgreSQL with it
  setup             make an organization, a project with its DSN, a member with a token
  demo              fill an organization with a month of made-up events and releases
  createsuperuser   make somebody for the back office, /admin/
  changepassword    give somebody a new password
  worker            run background tasks in a process of its own; serve does so by itself
  maintain          drop what is past its retention; a running server does so every hour
  migrate           bring the database's tables up to date; serve does so at its start
  shell             a Python shell with the models
  dbshell           an SQL shell; needs psql

  sentrylite COMMAND --help     what a command does and takes
  sentrylite help --commands    every command there is
  sentrylite --version          the version of sentrylite

Commands use the database that DATABASE_URL names, or else the one in the data directory:
--data-dir DIR, SENTRYLITE_DATA_DIR or .sentrylite. They may run while the server does.

first steps:
  sentrylite serve --demo
  sentrylite setup --organization acme --project web-shop
"""

NO_DATABASE = (
    "there is no database in {data_dir} yet: start `sentrylite serve`, name another directory with"
    " --data-dir, or set DATABASE_URL"
)

# Commands that make the tables, and with them the database in a directory that was named.
MAKING_TABLES = frozenset({"demo", "migrate", "setup"})
# Commands that do without a database; whatever else there is may ask it something.
WITHOUT_DATABASE = frozenset(
    """
    check collectstatic compilemessages diffsettings findstatic help makemessages makemigrations
    openapi sendtestemail startapp startproject test testserver version
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)


def main() -> None:
    """Run the command that `sys.argv` names and exit with its code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
    arguments = sys.argv[1:]
    try:
        sys.exit(run(arguments))
    except (ServingError, postgres.PostgresError) as error:
        print(f"sentrylite: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def run(arguments: list[str]) -> int:
    """The exit code of a command. Raises ServingError, PostgresError and SystemExit."""
    match arguments:
        case [] | ["help" | "-h" | "--help"]:
            print(HELP, end="")
        case ["--version" | "-V" | "version"]:
            print(f"sentrylite {version()}")
        case ["serve", *rest]:
            from sentrylite.serving import options

            chosen = options.parse(rest)
            from sentrylite.serving.server import serve

            serve(chosen)
        case _:
            run_in_django(arguments)
    return 0


def run_in_django(arguments: list[str]) -> None:
    """Run a command of Django's, on the data directory's database when it needs one."""
    arguments, data_dir = take_data_dir(arguments)
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL") and needs_database(arguments):
            use_data_dir(stack, arguments[0], data_dir)
        else:  # files are there, also when the database is elsewhere
            os.environ["SENTRYLITE_DATA_DIR"] = str(data_dir or postgres.default_data_dir())
        from django.core.management import execute_from_command_line

        execute_from_command_line([sys.argv[0], *arguments])


def take_data_dir(arguments: list[str]) -> tuple[list[str], Path | None]:
    """The arguments without `--data-dir`, which Django's commands do not know, and its value."""
    parser = argparse.ArgumentParser(prog="sentrylite", add_help=False, allow_abbrev=False)
    parser.add_argument("--data-dir", metavar="DIR")
    taken, rest = parser.parse_known_args(arguments)
    return rest, Path(taken.data_dir).expanduser().resolve() if taken.data_dir else None


def needs_database(arguments: list[str]) -> bool:
    command, *rest = arguments
    if command.startswith("-") or command in WITHOUT_DATABASE:
        return False
    return "-h" not in rest and "--help" not in rest


def use_data_dir(stack: ExitStack, command: str, named: Path | None) -> None:
    """Point the settings at the data directory's database; it runs until `stack` is closed.

    A server that runs there is used; else PostgreSQL is started for the time of the command.
    """
    data_dir = named or postgres.default_data_dir()
    is_named = bool(named or os.environ.get("SENTRYLITE_DATA_DIR"))
    may_make_it = is_named and command in MAKING_TABLES
    if not (may_make_it or os.path.exists(data_dir / "pgdata")):
        raise ServingError(NO_DATABASE.format(data_dir=data_dir))
    _exit_on_sigterm()
    os.environ["SENTRYLITE_DATA_DIR"] = str(data_dir)
    os.environ["DATABASE_URL"] = stack.enter_context(postgres.running(data_dir))
    os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or files.secret_key(data_dir)
    if url := os.environ.get("SENTRYLITE_URL") or files.read_url(data_dir):
        os.environ["SENTRYLITE_URL"] = url


def _exit_on_sigterm() -> None:
    """So that a PostgreSQL that was started for a command ends with it."""

    def leave(signum: int, frame: FrameType | None) -> None:
        sys.exit(128 + signum)

    signal.signal(signal.SIGTERM, leave)


if __name__ == "__main__":
    main()
