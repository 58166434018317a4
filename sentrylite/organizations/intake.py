"""What ingestion writes here: the environments that a batch of events mentions."""

from typing import Any

from sentrylite.arrays import literal

# (organization, project, name of the environment)
Mention = tuple[int, int, str]

FIND_ENVIRONMENTS = """
    SELECT wanted.organization_id, wanted.project_id, wanted.name, environment.id,
        link.id IS NOT NULL
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS wanted(organization_id, project_id, name)
    LEFT JOIN organizations_environment environment USING (organization_id, name)
    LEFT JOIN organizations_environmentproject link
        ON link.environment_id = environment.id AND link.project_id = wanted.project_id
"""

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


def ensure_environments(cursor: Any, mentions: set[Mention]) -> dict[tuple[int, str], int]:
    """Make the environments that are new, link them to their projects, return all their ids.

    The ids are by organization and name. One statement when nothing is new, else four.
    """
    wanted = sorted(mentions)
    ids, new = _find(cursor, wanted)
    if new:
        organizations, _, names = columns = [literal(column) for column in zip(*new, strict=True)]
        cursor.execute(ADD_ENVIRONMENTS, [organizations, names])
        cursor.execute(LINK_ENVIRONMENTS, columns)
        ids, _ = _find(cursor, wanted)
    return ids


def _find(cursor: Any, wanted: list[Mention]) -> tuple[dict[tuple[int, str], int], list[Mention]]:
    cursor.execute(FIND_ENVIRONMENTS, [literal(column) for column in zip(*wanted, strict=True)])
    ids, new = {}, []
    for organization_id, project_id, name, environment_id, is_linked in cursor.fetchall():
        if environment_id is not None:
            ids[organization_id, name] = environment_id
        if not is_linked:
            new.append((organization_id, project_id, name))
    return ids, sorted(new)
