"""The tags of an issue: the most frequent values of its keys, and all the values of one."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from django.db import connection

from sentrylite import rows
from sentrylite.arrays import literal

from .models import EventUser, Issue, IssueTag
from .payload.users import hash_of

Order = Literal["first_seen", "last_seen"]

# Counts change with every event, so they are in no index: this reads all values of the keys.
FIND_TOP_VALUES = f"""
    SELECT {rows.columns(IssueTag, "t")}
    FROM unnest(%(keys)s::text[]) AS wanted (key)
    CROSS JOIN LATERAL (
        SELECT * FROM issues_issuetag
        WHERE project_id = %(project)s AND issue_id = %(issue)s AND key = wanted.key
        ORDER BY times_seen DESC, value LIMIT %(limit)s
    ) t
    ORDER BY t.key, t.times_seen DESC, t.value
"""

_FIND_VALUES = f"""
    SELECT {rows.columns(IssueTag, "t")}
    FROM {{{{tags}}}} t
    WHERE t.project_id = %(project)s AND t.issue_id = %(issue)s AND t.key = %(key)s
        AND (%(start)s::timestamptz IS NULL OR t.{{order}} {{side}} %(start)s)
    ORDER BY t.{{order}} {{direction}}, t.value {{direction}}
    LIMIT %(limit)s OFFSET %(offset)s
"""

# By the order and by whether it is read backward; the rows are yet to be named.
VALUES: dict[tuple[Order, bool], str] = {
    ("first_seen", False): _FIND_VALUES.format(order="first_seen", side="<=", direction="DESC"),
    ("first_seen", True): _FIND_VALUES.format(order="first_seen", side=">", direction="ASC"),
    ("last_seen", False): _FIND_VALUES.format(order="last_seen", side="<=", direction="DESC"),
    ("last_seen", True): _FIND_VALUES.format(order="last_seen", side=">", direction="ASC"),
}
FIND_VALUES = {way: sql.format(tags="issues_issuetag") for way, sql in VALUES.items()}

HAS_KEY = """
    SELECT EXISTS (SELECT 1 FROM issues_issuetag WHERE project_id = %(project)s AND key = %(key)s)
"""

FIND_PEOPLE = f"""
    SELECT {rows.columns(EventUser, "u")}
    FROM issues_eventuser u
    WHERE u.project_id = %(project)s AND u.hash = ANY(%(hashes)s::bigint[])
"""


class TagKey(NamedTuple):
    """A key that an issue has."""

    key: str
    values: int
    events: int
    top_values: list[IssueTag]
    """The most frequent first."""


def find_top_values(issue: Issue, keys: Collection[str] | None, limit: int) -> dict[str, TagKey]:
    """The keys, all or those of these that there are, with their most frequent values, at most
    `limit` of each. One statement."""
    found = {
        key: TagKey(key, values, events, [])
        for key, (values, events) in issue.tag_keys.items()
        if keys is None or key in keys
    }
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_TOP_VALUES,
            {
                "project": issue.project_id,
                "issue": issue.pk,
                "keys": literal(found),
                "limit": limit,
            },
        )
        for row in cursor.fetchall():
            tag = rows.instance(IssueTag, row)
            found[tag.key].top_values.append(tag)
    return found


def find_values(
    issue: Issue,
    key: str,
    order: Order,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[IssueTag]:
    """The values of a key, newest first, then by value.

    From `start` on, without the first `offset`; backward those before `start`, the nearest first.
    One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_VALUES[order, is_backward],
            {
                "project": issue.project_id,
                "issue": issue.pk,
                "key": key,
                "start": start,
                "offset": offset,
                "limit": limit,
            },
        )
        return [rows.instance(IssueTag, row) for row in cursor.fetchall()]


def is_key_of_project(project_id: int, key: str) -> bool:
    """Whether any of a project's issues has the key. One statement."""
    if "\0" in key:
        return False
    with connection.cursor() as cursor:
        cursor.execute(HAS_KEY, {"project": project_id, "key": key})
        return cursor.fetchone()[0]


def find_people(project_id: int, values: Collection[str]) -> dict[str, EventUser]:
    """Who the values of the tag `user` stand for, as far as they are known. One statement; none
    without values."""
    if not values:
        return {}
    hashes = {hash_of(value.partition(":")[2]) for value in values}
    with connection.cursor() as cursor:
        cursor.execute(FIND_PEOPLE, {"project": project_id, "hashes": literal(sorted(hashes))})
        people = [rows.instance(EventUser, row) for row in cursor.fetchall()]
    # The same word may be one's id and another's name: then the row is that of the first.
    return {person.tag_value: person for person in people}
