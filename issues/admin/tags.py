"""The tags of an issue as bars: which values its events have, and how often."""

from typing import NamedTuple

from django.utils.safestring import SafeString

from issues import tags
from issues.models import Issue
from sentrylite.admin import display

SHOWN_VALUES = 4


class Value(NamedTuple):
    text: str
    share: str
    bar: SafeString


class Distribution(NamedTuple):
    """A key with its most frequent values."""

    key: str
    values: list[Value]
    more: int
    """How many other values there are."""


def read_distributions(issue: Issue) -> list[Distribution]:
    """Those of all of an issue's keys, by key. One statement."""
    found = tags.find_top_values(issue, None, SHOWN_VALUES)
    return [
        Distribution(
            key.key,
            [_value(tag.value, tag.times_seen, key.events) for tag in key.top_values],
            max(key.values - len(key.top_values), 0),
        )
        for _, key in sorted(found.items())
    ]


def _value(text: str, part: float, whole: float) -> Value:
    return Value(text or "(empty)", display.share(part, whole), display.bar(part, whole))
