"""What was wrong with an event: the `errors` that are stored beside what could be kept."""

from typing import Any

from issues.payload.values import JsonObject, trim, trim_tree

MAX_PROBLEMS = 100
MAX_NAME = 200
MAX_VALUE = 1024


class Problems:
    """Errors in the order found: `{"type", "name", "value"?, "reason"?}`, where the name is a
    dotted path (ingest contract, section 6; observed contract, section 9)."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[JsonObject] = []

    def invalid(self, name: str, value: Any, reason: str) -> None:
        self.add("invalid_data", name, value=value, reason=reason)

    def too_long(self, name: str, value: Any) -> None:
        self.add("value_too_long", name, value=value)

    def unknown(self, name: str) -> None:
        self.add("invalid_attribute", name)

    def missing(self, name: str) -> None:
        self.add("missing_attribute", name)

    def add(self, kind: str, name: str, **details: Any) -> None:
        if len(self.found) < MAX_PROBLEMS:
            kept = {key: trim_tree(value, MAX_VALUE) for key, value in details.items()}
            self.found.append({"type": kind, "name": trim(name, MAX_NAME), **kept})
