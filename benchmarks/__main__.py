"""`python -m benchmarks`: start servers, measure them, stop them, print what it came to."""

import argparse
import json
import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
django.setup(set_prefix=False)

from benchmarks import corpus, ingest, reads, servers  # noqa: E402  after setup
from benchmarks.progress import say  # noqa: E402
from benchmarks.report import Report  # noqa: E402

DESCRIPTION = """\
Measure sentrylite: CPU time, rates and memory when it takes events and when it answers reads.

Everything is started here and stopped again: servers with two workers and with one, each with a
PostgreSQL of its own in a temporary directory, and applications that do nothing to compare with.
What was stored and counted is compared with what was sent. Takes a few minutes; needs Linux.
"""

EPILOG = """\
examples:
  python -m benchmarks                                everything
  python -m benchmarks ingest --events 20000          a longer look at events
  python -m benchmarks reads --workers 1 --json reads.json

Exits with 1 when an event was lost or counted wrongly, or a request failed.
"""

WORKERS = (2, 1)


def main() -> int:
    options = parse()
    report = Report([], [])
    for workers in options.workers:
        say(f"a server with {workers} workers")
        with servers.sentrylite(workers) as server:
            if options.what == "reads":
                ingest.fill(server, "full", options.events)
            else:
                report.ingest.extend(
                    ingest.measure(server, name, options.events) for name in corpus.PROFILES
                )
            if options.what != "ingest":
                report.reads.extend(reads.measure(server, "full", options.seconds))
    print(report.as_text())
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if report.problems else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what", nargs="?", choices=["ingest", "reads", "all"], default="all", help="default all"
    )
    parser.add_argument(
        "--events", type=int, default=4000, metavar="N", help="of each corpus; default 4000"
    )
    parser.add_argument(
        "--seconds", type=float, default=4, metavar="S", help="of each kind of read; default 4"
    )
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=WORKERS,
        metavar="N",
        help="servers to measure, by their number of workers; default 2 1",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
