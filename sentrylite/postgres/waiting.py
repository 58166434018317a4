"""Waiting without a time limit, and without leaving the person at the terminal in the dark."""

import sys
import time
from collections.abc import Iterator

FIRST_NOTICE = 3.0


def patiently(what: str) -> Iterator[None]:
    """Pace a loop that waits for something; say on stderr what it is when that takes long."""
    begun = time.monotonic()
    notice = FIRST_NOTICE
    while True:
        yield
        waited = time.monotonic() - begun
        if waited >= notice:
            print(f"sentrylite: {what}; {waited:.0f} s so far", file=sys.stderr, flush=True)
            notice *= 2
        time.sleep(0.02 if waited < 1 else 0.2)
