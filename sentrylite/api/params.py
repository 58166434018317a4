"""Query strings to checked values. What cannot be used is a 400 that says so."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from .errors import BadParameter

# A page, and so a list of ids or names in a query string, is never longer.
MAX_PER_PAGE = 100
PERIOD = re.compile(r"([0-9]{1,9})|([0-9]{1,4})([smhdw])", re.ASCII)
SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

# Years 1 to 9999, as PostgreSQL and Python both can say them.
EARLIEST, LATEST = -62135596800, 253402300799


def text(query: QueryDict, name: str, default: str | None = None) -> str | None:
    """The parameter as it came; `default` when it is absent. Raises BadParameter on NUL bytes."""
    value = query.get(name, default)
    if value is not None and "\0" in value:
        raise BadParameter(f"Invalid {name}: it holds a NUL character.")
    return value


def choice(query: QueryDict, name: str, choices: Iterable[str], default: str) -> str:
    """One of `choices`; absent or empty is `default`. Raises BadParameter naming the choices."""
    value = text(query, name) or default
    if value not in (valid := list(choices)):
        raise BadParameter(f"Invalid {name}. Valid choices are {', '.join(valid)}.")
    return value


def epoch(query: QueryDict, name: str) -> float | None:
    """A moment in epoch seconds, whole or not; None when absent or empty. Raises BadParameter."""
    value = text(query, name)
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not EARLIEST <= seconds <= LATEST:
        raise BadParameter(
            f"Invalid {name}. It takes seconds since 1970-01-01, such as 1584824400."
        )
    return seconds


def period(query: QueryDict, now: datetime) -> tuple[datetime | None, datetime | None]:
    """`statsPeriod`, else `statsPeriodStart` and `statsPeriodEnd`, which say how long ago, else
    `start` and `end`; everything without them (conventions contract, section 9). Raises
    BadParameter."""
    start, end = moment(query, "start"), moment(query, "end")
    since, until = ago(query, "statsPeriodStart", now), ago(query, "statsPeriodEnd", now)
    if length := ago(query, "statsPeriod", now):
        return length, None
    if (since is None) != (until is None):
        raise BadParameter("statsPeriodStart and statsPeriodEnd are both required.")
    if since is not None:
        start, end = since, until
    if (start is None) != (end is None):
        raise BadParameter("start and end are both required.")
    if start is not None and end is not None and start > end:
        raise BadParameter("start must be before end.")
    return start, end


def ago(query: QueryDict, name: str, now: datetime) -> datetime | None:
    """So long before now, in seconds without a unit; None when absent or empty. Raises
    BadParameter."""
    value = text(query, name)
    if not value:
        return None
    length = duration(value)
    if length is None:
        raise BadParameter(f"Invalid {name}. It takes a number and a unit, such as 14d.")
    return now - length


def duration(value: str) -> timedelta | None:
    """`14d`, in seconds without a unit; None for other text. No longer than 200 years."""
    match = PERIOD.fullmatch(value)
    if match is None:
        return None
    seconds, number, unit = match.groups()
    return timedelta(seconds=int(seconds)) if seconds else int(number) * UNITS[unit]


def moment(query: QueryDict, name: str) -> datetime | None:
    """A date and time, UTC without a zone, or epoch seconds; None when absent or empty. Raises
    BadParameter."""
    value = text(query, name)
    if not value:
        return None
    try:
        if SECONDS.fullmatch(value):
            return datetime.fromtimestamp(float(value), UTC)
        parsed = parse_datetime(value)
        if parsed is not None:
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadParameter(f"Invalid {name}. It takes a date and time, such as 2026-03-04T05:06:07Z.")


def ids(query: QueryDict, name: str) -> list[int]:
    """A repeatable parameter of numeric ids. Raises BadParameter."""
    values = query.getlist(name)
    if not all(is_id(value) for value in values):
        raise BadParameter(f"Invalid {name} parameter. Values must be numbers.")
    return [int(value) for value in values]


def project_ids(query: QueryDict) -> frozenset[int] | None:
    """The repeatable parameter `project`; None, also for -1, is all of them. Raises BadParameter.

    (Conventions contract, section 9.)
    """
    values = [value for value in query.getlist("project") if value]
    if not all(value == "-1" or is_id(value) for value in values):
        raise BadParameter("Invalid project parameter. Values must be numbers.")
    if not values or "-1" in values:
        return None
    return frozenset(map(int, values))


def is_id(value: str) -> bool:
    """Whether this is the decimal form of an id that the database could hold."""
    return value.isascii() and value.isdigit() and len(value) <= 19 and int(value) < 2**63


def page_size(query: QueryDict, name: str, error: str, default: int = MAX_PER_PAGE) -> int:
    """Rows of a page: at least 1, cut to 100. Raises BadParameter with the text `error`."""
    value = query.get(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= 1):
        raise BadParameter(error)
    return min(int(value), MAX_PER_PAGE)
