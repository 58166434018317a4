"""What is done before the workers start, in a process of its own: the database and the demo."""

import os
import signal
import sys
from pathlib import Path

from .errors import ServingError


def run(demo_file: Path | None, url: str) -> None:
    """Exits with 1, after one line that says why, when the server cannot run on this database.

    `url` is the server's address. With `demo_file`, the demo is there afterwards, described there.
    """
    # The main process ends us when somebody ends it.
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A database that does not answer at all is to be told from one that thinks.
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    try:
        _prepare(demo_file, url)
    except ServingError as error:
        print(f"sentrylite: {error}", file=sys.stderr)
        sys.exit(1)


def _prepare(demo_file: Path | None, url: str) -> None:
    _load_django()

    from sentrylite import schema

    try:
        schema.ensure()
    except schema.Unusable as error:
        raise ServingError(str(error)) from error
    if demo_file:
        from . import demo

        demo.prepare(demo_file, url)


def _load_django() -> None:
    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
    try:
        from django.conf import settings

        engine = settings.DATABASES["default"].get("ENGINE", "")
        if engine != "sentrylite.database":
            raise ServingError(
                "DATABASE_URL names no PostgreSQL: it looks like postgres://user:password@host/name"
            )
        django.setup()
    except (ImproperlyConfigured, ValueError) as error:
        raise ServingError(f"a setting is wrong: {' '.join(str(error).split())}") from error
