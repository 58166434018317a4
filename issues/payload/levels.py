"""The levels of events and breadcrumbs: their names, their numbers, and what SDKs call them."""

from typing import Any

LEVELS = {"sample": 0, "debug": 10, "info": 20, "warning": 30, "error": 40, "fatal": 50}

_NAMES: dict[Any, str] = {
    **{name: name for name in LEVELS},
    **{number: name for name, number in LEVELS.items()},
    **{str(number): name for name, number in LEVELS.items()},
    "log": "info",
    "warn": "warning",
    "critical": "fatal",
}


def level_name(value: Any) -> str | None:
    """The name of a level given by name or number, in any letter case; None if it is unknown
    (ingest contract, section 6)."""
    kind = type(value)
    if kind is str:
        return _NAMES.get(value) or _NAMES.get(value.lower())
    return _NAMES.get(value) if kind is int or kind is float else None
