"""What is going on, for who waits for the figures."""

import sys


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
