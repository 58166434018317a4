"""What ingestion reads and writes here: whether its keys are still good, the environments that a
batch of events mentions, the platforms it comes from, and what keys use of their rate limits."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sentrylite.arrays import literal
from sentrylite.statements import Statement


class Mention(NamedTuple):
    """Something of a project arrived with a key and names an environment."""

    organization_id: int
    project_id: int
    key_id: int
    """0 for what needs no key."""
    name: str


class KeysClosed(Exception):
    """Some of a batch's keys take no events any more: they, their projects or their organizations
    were disabled or deleted since they were looked up."""

    def __init__(self, key_ids: Collection[int]) -> None:
        super().__init__(f"keys that take no events any more: {sorted(key_ids)}")
        self.key_ids = frozenset(key_ids)


# A subquery for a value, not EXISTS: that might be answered by reading every key there is.
FIND_ENVIRONMENTS = Statement(
    "find_environments",
    """
    SELECT wanted.organization_id, wanted.project_id, wanted.key_id, wanted.name, environment.id,
        link.id IS NOT NULL,
        (
            SELECT true FROM organizations_projectkey key
            JOIN organizations_project project ON project.id = key.project_id
            JOIN organizations_organization organization
                ON organization.id = project.organization_id
            WHERE key.id = wanted.key_id AND key.is_active
                AND project.status = 'active' AND organization.status = 'active'
        )
    FROM unnest(%(organizations)s, %(projects)s, %(keys)s, %(names)s)
        AS wanted(organization_id, project_id, key_id, name)
    LEFT JOIN organizations_environment environment USING (organization_id, name)
    LEFT JOIN organizations_environmentproject link
        ON link.environment_id = environment.id AND link.project_id = wanted.project_id
""",
    organizations="bigint[]",
    projects="bigint[]",
    keys="bigint[]",
    names="text[]",
)

ADD_ENVIRONMENTS = """
    INSERT INTO organizations_environment (organization_id, name, created_at)
    SELECT DISTINCT organization_id, name, now()
    FROM unnest(%s::bigint[], %s::text[]) AS wanted(organization_id, name)
    ORDER BY organization_id, name
    ON CONFLICT DO NOTHING
"""

LINK_ENVIRONMENTS = """
    INSERT INTO organizations_environmentproject (environment_id, project_id, is_hidden)
    SELECT environment.id, wanted.project_id, false
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS wanted(organization_id, project_id, name)
    JOIN organizations_environment environment USING (organization_id, name)
    ORDER BY wanted.project_id, environment.id
    ON CONFLICT DO NOTHING
"""


# A row of the same window is added to, and so is one of the next, which this process's clock has
# not reached yet; any other window begins anew. Whoever comes second waits for the first to commit.
USE_WINDOWS = """
    INSERT INTO organizations_keywindow AS known (key_id, start, seconds, asked)
    SELECT key_id, start, seconds, asked
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[])
        AS batch(key_id, start, seconds, asked)
    ORDER BY key_id
    ON CONFLICT (key_id) DO UPDATE SET
        (start, seconds, asked) = (
            SELECT CASE WHEN is_same THEN known.start ELSE EXCLUDED.start END,
                EXCLUDED.seconds,
                CASE WHEN is_same THEN known.asked ELSE 0 END + EXCLUDED.asked
            FROM (SELECT known.seconds = EXCLUDED.seconds
                AND known.start - EXCLUDED.start IN (0, EXCLUDED.seconds)) AS window_(is_same)
        )
    RETURNING key_id, start, asked
"""


ADD_PLATFORMS = """
    INSERT INTO organizations_projectplatform (project_id, platform)
    SELECT * FROM unnest(%s::bigint[], %s::text[])
    ON CONFLICT DO NOTHING
"""


def ensure_environments(cursor: Any, mentions: set[Mention]) -> dict[tuple[int, str], int]:
    """Make the environments that are new, link them to their projects, return all their ids.

    The ids are by organization and name. One statement when nothing is new, else four. Raises
    `KeysClosed` when a key takes no events any more: what was committed before is seen.
    """
    wanted = sorted(mentions)
    ids, new = _find(cursor, wanted)
    if new:
        organizations, _, names = columns = [literal(column) for column in zip(*new, strict=True)]
        cursor.execute(ADD_ENVIRONMENTS, [organizations, names])
        cursor.execute(LINK_ENVIRONMENTS, columns)
        ids, _ = _find(cursor, wanted)
    return ids


def _find(
    cursor: Any, wanted: list[Mention]
) -> tuple[dict[tuple[int, str], int], list[tuple[int, int, str]]]:
    columns = (literal(column) for column in zip(*wanted, strict=True))
    parameters = dict(zip(("organizations", "projects", "keys", "names"), columns, strict=True))
    FIND_ENVIRONMENTS.run(cursor, **parameters)
    ids, new, closed = {}, set(), set()
    for row in cursor.fetchall():
        organization_id, project_id, key_id, name, environment_id, is_linked, is_open = row
        if environment_id is not None:
            ids[organization_id, name] = environment_id
        if not is_linked:
            new.add((organization_id, project_id, name))
        if key_id and not is_open:
            closed.add(key_id)
    if closed:
        raise KeysClosed(closed)
    return ids, sorted(new)


def ensure_platforms(cursor: Any, seen: Collection[tuple[int, str]]) -> None:
    """Remember that projects have events of these platforms: pairs of a project's id and a
    platform. One statement; none for none."""
    if seen:
        columns = zip(*sorted(seen), strict=True)
        cursor.execute(ADD_PLATFORMS, [literal(column) for column in columns])


def use_windows(
    cursor: Any, wanted: Sequence[tuple[int, int, int, int]]
) -> list[tuple[int, int, int]]:
    """Count events against the rate limits of their keys. One statement.

    `wanted` is key, start of the window (epoch seconds), its length (seconds) and how many events
    ask to be let in, a row a key, sorted. Returns key, start of the window that they count in and
    how many have asked in it so far, these included.
    """
    cursor.execute(USE_WINDOWS, [literal(column) for column in zip(*wanted, strict=True)])
    return cursor.fetchall()
