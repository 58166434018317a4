"""What the terms of a search ask of an event, in SQL (conventions contract, section 10).

As in `issues.filters`, each term is a fixed condition with places for its values, on the event `e`
of the project `place.project_id`. No index helps with any of them: `issues.events` says of how many
events they are asked.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sentrylite.arrays import literal

from .filters import (
    EVENT_TIMESTAMP,
    EVERYTHING,
    NEWEST_RELEASE,
    USER_COLUMNS,
    Condition,
    Where,
    anywhere_in,
    combine,
    is_one_of,
    part_of,
    read_users,
    within,
)
from .search import KEYS, Bound, Field, Has, Moment, Number, Search, SearchError, Tag, Term, Text

IN_MESSAGE = "e.message ILIKE ANY({patterns}::text[])"

# A key never holds the `=` between it and its value.
_TAG = """
    EXISTS (SELECT 1 FROM (
        SELECT substr(text, length({{key}}) + 2) AS value FROM unnest(e.tags) AS text
        WHERE starts_with(text, {{key}} || '=')
    ) tag WHERE {is_value})
"""
HAS_TAG = _TAG.format(is_value="tag.value <> ''")
# Those that are known exactly.
HAS_ONE_OF = "e.tags && {tags}::text[]"
_USER = """
    e.user_hash IN (SELECT person.hash FROM issues_eventuser person
        WHERE person.project_id = place.project_id AND ({is_person}))
"""
IS_NEWEST_RELEASE = f"e.release_id = ({NEWEST_RELEASE.format(column='id')})"
IS_EVENT = "e.event_id = ANY({ids}::uuid[])"

_ALL_STATUSES = 3
_WHAT_THERE_IS = (
    "Events are searched for words, tags (key:value), message, id, timestamp, and users (user.id, "
    "user.email, user.username, user.ip)"
)


class EventSearch(NamedTuple):
    """What a search asks of an event."""

    where: Where
    bounds: Sequence[Bound] = ()
    """When it happened, which is among the conditions too: it chooses the events that are asked."""

    def within(
        self, start: datetime | None, end: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        """The part of this time in which there can be such events."""
        for operator, moment in self.bounds:
            if not operator.startswith("<"):
                start = max(start or moment, moment)
            if not operator.startswith(">"):
                end = min(end or moment, moment)
        return start, end


ALL = EventSearch(EVERYTHING)


def read(search: Search) -> EventSearch:
    """Raises SearchError for a term about issues, or about what is only in an event's payload."""
    if search.is_open or len(search.statuses) < _ALL_STATUSES:
        raise _not_searched("is")
    bounds: list[Bound] = []
    conditions = []
    for term in search.terms:
        conditions.append(_condition(term))
        if isinstance(term, Moment) and not term.is_negated:
            bounds += term.bounds
    return EventSearch(combine(conditions) if conditions else EVERYTHING, bounds)


def containing(text: str) -> EventSearch:
    """Events whose message has this text in it, as it stands."""
    return EventSearch(combine([Condition(IN_MESSAGE, {"patterns": literal([part_of(text)])})]))


def _not_searched(name: str) -> SearchError:
    return SearchError(f"events are not searched by '{name}'. {_WHAT_THERE_IS}")


def _condition(term: Term) -> Condition:
    if isinstance(term, Text):
        return Condition(IN_MESSAGE, {"patterns": literal([anywhere_in(term.text)])})
    match term:
        case Tag():
            condition = _id(term) if term.key == "id" else _tag(term.key, term.values)
        case Has():
            condition = _has(term.key)
        case Field():
            condition = _field(term)
        case Moment(field="event_timestamp"):
            condition = within(EVENT_TIMESTAMP, term.bounds)
        case Moment() | Number():
            raise _not_searched(term.field)
        case _:
            raise _not_searched("is")
    # What is unknown is not what is looked for.
    return condition._replace(sql=f"({condition.sql}) IS {'NOT ' * term.is_negated}TRUE")


def _tag(key: str, values: Sequence[str]) -> Condition:
    if not any("*" in value for value in values):
        return Condition(HAS_ONE_OF, {"tags": literal(f"{key}={value}" for value in values)})
    is_value, parameters = is_one_of("tag.value", values)
    return Condition(_TAG.format(is_value=is_value), {"key": key, **parameters})


def _id(term: Tag) -> Condition:
    ids = []
    for value in term.values:
        try:
            ids.append(UUID(value))
        except ValueError:
            raise SearchError(f"'{value}' is no event's id") from None
    return Condition(IS_EVENT, {"ids": literal(ids)})


def _has(key: str) -> Condition:
    if key == "message":
        return Condition("e.message <> ''", {})
    if key.startswith("user.") and (column := USER_COLUMNS.get(key.removeprefix("user."))):
        return Condition(_USER.format(is_person=f"{column} <> ''"), {})
    if key in KEYS and key not in ("release", "user"):
        raise _not_searched(key)
    return Condition(HAS_TAG, {"key": key})


def _field(term: Field) -> Condition:
    name, values = term.field, term.values
    if name == "message":
        return Condition(IN_MESSAGE, {"patterns": literal(map(anywhere_in, values))})
    if name == "user":
        return _user(values)
    if name == "release":
        condition = _tag("release", values)
        if "latest" in values:
            condition = Condition(f"({condition.sql} OR {IS_NEWEST_RELEASE})", condition.values)
        return condition
    if name.startswith("user."):
        return _user([f"{name.removeprefix('user.')}:{value}" for value in values])
    raise _not_searched(name)


def _user(values: Iterable[str]) -> Condition:
    texts, named = read_users(values)
    sql, parameters, _ = _tag("user", texts)
    for kind, names in named.items():
        is_person, more = is_one_of(USER_COLUMNS[kind], names, prefix=f"{kind}_")
        sql += f" OR {_USER.format(is_person=is_person)}"
        parameters |= more
    return Condition(sql, parameters)
