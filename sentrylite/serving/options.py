"""What `sentrylite serve` can be told, on the command line and by the environment."""

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path

from sentrylite import postgres

from . import addresses

DESCRIPTION = """\
Start the server: the database too, unless DATABASE_URL names one that runs elsewhere.
"""

EPILOG = """\
The database is PostgreSQL 15 or later. Without DATABASE_URL a private one is kept in the data
directory, together with its logs and the secret key. With DATABASE_URL, SECRET_KEY is needed too.
Ctrl-C and SIGTERM stop the server: requests under way are answered first.

examples:
  sentrylite serve --demo                        look around, with a month of made-up events
  sentrylite serve --data-dir /var/lib/sentrylite --url https://errors.example.com
  sentrylite serve --host 0.0.0.0 --port 9000    listen to other machines
  DATABASE_URL=postgres://me:secret@db/errors SECRET_KEY=… sentrylite serve
"""


SWITCH = {
    **dict.fromkeys(("on", "true", "yes", "1"), True),
    **dict.fromkeys(("off", "false", "no", "0"), False),
}


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    workers: int
    data_dir: Path
    url: str | None
    demo: bool
    background: bool
    access_log: bool
    client_timeout: int
    """In seconds."""


def parse(arguments: list[str]) -> Options:
    """Read the arguments. Exits with 2 when they are wrong, with 0 after `--help`."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(
        prog="sentrylite serve",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--host",
        default=environment("SENTRYLITE_HOST") or "127.0.0.1",
        help="address to listen at; default 127.0.0.1 (SENTRYLITE_HOST)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=environment("SENTRYLITE_PORT") or "8000",
        help="port to listen at; default 8000 (SENTRYLITE_PORT)",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        default=environment("SENTRYLITE_WORKERS") or str(default_workers()),
        help="processes; default one for every two cores (SENTRYLITE_WORKERS)",
    )
    parser.add_argument(
        "--data-dir",
        type=_directory,
        metavar="DIR",
        help="where the server keeps its things; default .sentrylite (SENTRYLITE_DATA_DIR)",
    )
    parser.add_argument(
        "--url",
        type=_url,
        default=environment("SENTRYLITE_URL") or None,
        help="the address that people and SDKs use, when a proxy makes it another one"
        " (SENTRYLITE_URL)",
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="make an organization with a month of events at the first start, and show how to"
        " reach it",
    )
    parser.add_argument(
        "--background",
        action=argparse.BooleanOptionalAction,
        help="run background tasks; without, `sentrylite worker` has to; default on"
        " (SENTRYLITE_BACKGROUND)",
    )
    parser.add_argument("--access-log", action="store_true", help="write a line for every request")
    parser.add_argument(
        "--client-timeout",
        type=_seconds,
        metavar="SECONDS",
        default=environment("SENTRYLITE_CLIENT_TIMEOUT") or "10",
        help="how long a connection may be silent; default 10 (SENTRYLITE_CLIENT_TIMEOUT)",
    )
    values = parser.parse_args(arguments)
    values.data_dir = values.data_dir or postgres.default_data_dir()
    if values.background is None:
        text = environment("SENTRYLITE_BACKGROUND") or "on"
        if text.lower() not in SWITCH:
            parser.error(f"SENTRYLITE_BACKGROUND is {text!r}; it may be on or off")
        values.background = SWITCH[text.lower()]
    return Options(**vars(values))


def default_workers() -> int:
    """Half the cores we may use: the database needs the others."""
    return max(1, _cores() // 2)


def _cores() -> int:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    try:  # a container's share
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no limit is "max"
        return cores


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports go from 1 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 256")
    return int(text)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 3600")
    return int(text)


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text).expanduser().resolve()


def _url(text: str) -> str:
    try:
        return addresses.clean_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
