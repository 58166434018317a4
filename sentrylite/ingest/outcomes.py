"""What became of data that is no stored event, as series (stats contract, section 1)."""

from typing import Protocol

from stats import counters, usage
from stats.models import Kind


class Counted(Protocol):
    """Where data came in: a client key, or an event that came with one."""

    @property
    def key_id(self) -> int: ...
    @property
    def project_id(self) -> int: ...
    @property
    def organization_id(self) -> int: ...


# What a refused event adds beside being received.
REFUSALS = {
    "filtered": (Kind.ORGANIZATION_BLACKLISTED, Kind.PROJECT_BLACKLISTED, Kind.KEY_BLACKLISTED),
    "rate_limited": (Kind.ORGANIZATION_REJECTED, Kind.PROJECT_REJECTED, Kind.KEY_REJECTED),
}
ITEMS = {"accepted_item": Kind.ITEMS, "invalid_item": Kind.INVALID_ITEMS}
RECEIVED = (Kind.ORGANIZATION_RECEIVED, Kind.PROJECT_RECEIVED, Kind.KEY_RECEIVED)


def add(
    counts: counters.Counts,
    key: Counted,
    outcome: str,
    category: str,
    quantity: int,
    *,
    now: float,
) -> None:
    """Add an outcome to `counts`.

    `accepted_item` is an envelope item that is taken and counted by its category, no more, and
    `invalid_item` one that could not be read;
    `filtered` and `rate_limited` are events that were received and then refused, `category` being
    the filter's name for the former; `invalid_origin` only shows in the filter counter `cors`.
    """
    project_id = key.project_id
    if kind := ITEMS.get(outcome):
        number = usage.ITEM_CATEGORIES.get(category, usage.ITEM_CATEGORIES["other"])
        counters.count(counts, project_id, kind, number, now, quantity, now=now)
        return
    if outcome == "invalid_origin":
        cors = usage.FILTERS["cors"]
        counters.count(counts, project_id, Kind.FILTERED, cors, now, quantity, now=now)
        return
    for organization, project, client_key in (RECEIVED, REFUSALS[outcome]):
        counters.count(counts, 0, organization, key.organization_id, now, quantity, now=now)
        counters.count(counts, project_id, project, project_id, now, quantity, now=now)
        counters.count(counts, project_id, client_key, key.key_id, now, quantity, now=now)
    if outcome == "filtered":
        number = usage.FILTERS[category]
        counters.count(counts, project_id, Kind.FILTERED, number, now, quantity, now=now)
