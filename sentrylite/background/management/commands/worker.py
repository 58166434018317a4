"""`sentrylite worker`: the server's background work, in a process of its own."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sentrylite import schema
from sentrylite.background.runner import Runner

logger = logging.getLogger("sentrylite.worker")


class Command(BaseCommand):
    help = (
        "Run background tasks, such as removing the rows of deleted issues, until told to stop. A "
        "server does so by itself; start it with --no-background, or SENTRYLITE_BACKGROUND=off, to "
        "leave them to workers. Any number of workers may run. Ctrl-C and SIGTERM stop it: the "
        "task that runs ends or is put back first; a second one ends it at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            schema.ensure()
        except schema.Unusable as error:
            raise CommandError(str(error)) from error
        runner = Runner()
        signals: list[int] = []

        def stop(signum: int, frame: FrameType | None) -> None:
            if signals:
                sys.exit(1)
            signals.append(signum)
            runner.ask_to_stop()

        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, stop)
        logger.info("worker %d takes tasks", os.getpid())
        runner.run()
        logger.info("worker %d has stopped", os.getpid())
