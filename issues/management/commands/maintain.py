"""`sentrylite maintain`: what a running server does by itself, now."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from issues import maintenance
from sentrylite.background.runner import Runner


class Command(BaseCommand):
    help = (
        "Make the event partitions of the coming weeks, drop events and counters that are past "
        "their retention, and run the background tasks that are due, such as removing the rows of "
        "deleted issues. A running server does this by itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if maintenance.maintain(timezone.now()):
            self.stdout.write("Maintained.")
        else:
            self.stdout.write("Another process is at it.")
        Runner().run_due()
