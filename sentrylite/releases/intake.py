"""What ingestion writes here: the releases that a batch of events comes from."""

from typing import Any, NamedTuple

from sentrylite.arrays import literal


class Mention(NamedTuple):
    """A release as an event names it."""

    organization_id: int
    project_id: int
    version: str


class Known(NamedTuple):
    release_id: int
    version: str
    """Not always the one mentioned: see `ensure_releases`."""


# A release of the project named `<project slug>-<version>` is preferred: with ORDER BY, the
# mention's last row is the better one (ingest contract, section 11).
FIND_RELEASES = """
    SELECT wanted.organization_id, wanted.project_id, wanted.version, release.id, release.version,
        link.id IS NOT NULL
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[])
        AS wanted(organization_id, project_id, version)
    JOIN organizations_project project ON project.id = wanted.project_id
    JOIN releases_release release ON release.organization_id = wanted.organization_id
        AND release.version IN (wanted.version, project.slug || '-' || wanted.version)
    LEFT JOIN releases_releaseproject link
        ON link.release_id = release.id AND link.project_id = wanted.project_id
    WHERE release.version = wanted.version OR link.id IS NOT NULL
    ORDER BY release.version <> wanted.version
"""

ADD_RELEASES = """
    INSERT INTO releases_release (organization_id, version, ref, url, created_at)
    SELECT organization_id, version, '', '', to_timestamp(min(created_at))
    FROM unnest(%s::bigint[], %s::text[], %s::float8[])
        AS wanted(organization_id, version, created_at)
    GROUP BY organization_id, version
    ORDER BY organization_id, version
    ON CONFLICT DO NOTHING
"""

LINK_RELEASES = """
    INSERT INTO releases_releaseproject (release_id, project_id, new_issues)
    SELECT release.id, wanted.project_id, 0
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[])
        AS wanted(organization_id, project_id, version)
    JOIN releases_release release USING (organization_id, version)
    ORDER BY wanted.project_id, release.id
    ON CONFLICT DO NOTHING
"""

ADD_EVENTS = """
    UPDATE releases_releaseproject link
    SET new_issues = link.new_issues + batch.new_issues,
        first_event_at = coalesce(link.first_event_at, now()),
        last_event_at = greatest(link.last_event_at, to_timestamp(batch.last_event_at))
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::float8[])
        AS batch(project_id, release_id, new_issues, last_event_at)
    WHERE link.project_id = batch.project_id AND link.release_id = batch.release_id
"""

LOCK_LINKS = """
    SELECT 1 FROM releases_releaseproject link
    JOIN unnest(%s::bigint[], %s::bigint[]) AS batch(project_id, release_id)
        USING (project_id, release_id)
    ORDER BY link.project_id, link.release_id FOR NO KEY UPDATE OF link
"""


def ensure_releases(cursor: Any, mentions: dict[Mention, float]) -> dict[Mention, Known]:
    """Make the releases that are new, link them to their projects, return all of them.

    `mentions` holds the time (epoch seconds) of the event that mentions each: a new release is
    dated by it. One statement when nothing is new, else four.
    """
    wanted = sorted(mentions)
    if not wanted:
        return {}
    known, new = _find(cursor, wanted)
    if new:
        organizations, _, versions = columns = _columns(new)
        moments = literal([mentions[mention] for mention in new])
        cursor.execute(ADD_RELEASES, [organizations, versions, moments])
        cursor.execute(LINK_RELEASES, columns)
        known, _ = _find(cursor, wanted)
    return known


def add_events(cursor: Any, counts: dict[tuple[int, int], tuple[int, float]]) -> None:
    """Note new issues and the newest event's time by (project, release). Two statements."""
    if not counts:
        return
    rows = sorted((*key, *value) for key, value in counts.items())
    columns = [literal(column) for column in zip(*rows, strict=True)]
    cursor.execute(LOCK_LINKS, columns[:2])
    cursor.execute(ADD_EVENTS, columns)


def _columns(mentions: list[Mention]) -> list[str]:
    return [literal(column) for column in zip(*mentions, strict=True)]


def _find(cursor: Any, wanted: list[Mention]) -> tuple[dict[Mention, Known], list[Mention]]:
    cursor.execute(FIND_RELEASES, _columns(wanted))
    known, linked = {}, set()
    for organization_id, project_id, version, release_id, name, is_linked in cursor.fetchall():
        mention = Mention(organization_id, project_id, version)
        known[mention] = Known(release_id, name)
        if is_linked:
            linked.add(mention)
    return known, [mention for mention in wanted if mention not in linked]
