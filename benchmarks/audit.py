"""Every counter added up again from the stored events: what was counted has to equal them."""

from typing import Any

from issues.models import IssueText
from issues.payload import tags
from stats.models import Kind
from stats.periods import SAMPLES

UNCOUNTED = ", ".join(f"'{key}'" for key in sorted(tags.UNCOUNTED))
WIDTHS = f"(VALUES {', '.join(f'({width}, {kept})' for width, kept in SAMPLES.items())})"


def _series(moment: str, project: str, object_id: str) -> str:
    """Buckets of all widths, as `moment` of each event has them."""
    return f"""
        SELECT {project}::bigint, {object_id}::bigint, width.seconds,
            floor(extract(epoch FROM event.{moment}) / width.seconds)::int AS bucket, count(*)
        FROM issues_event event
        JOIN organizations_project project ON project.id = event.project_id
        CROSS JOIN {WIDTHS} AS width (seconds, kept)
        WHERE {object_id} <> 0
            AND floor(extract(epoch FROM event.{moment}) / width.seconds)
                >= floor(extract(epoch FROM now()) / width.seconds) - width.kept
        GROUP BY 1, 2, 3, 4
    """


SERIES = {
    Kind.ORGANIZATION_RECEIVED: _series("received_at", "0", "project.organization_id"),
    Kind.PROJECT_RECEIVED: _series("received_at", "project.id", "project.id"),
    Kind.PROJECT_GENERATED: _series("timestamp", "project.id", "project.id"),
    Kind.ENVIRONMENT_GENERATED: _series("timestamp", "project.id", "event.environment_id"),
    Kind.RELEASE_GENERATED: _series("timestamp", "project.id", "event.release_id"),
}
_COUNTED = f"""
    FROM stats_seriescount count
    JOIN {WIDTHS} AS width (seconds, kept) ON width.seconds = count.width
    WHERE bucket >= floor(extract(epoch FROM now()) / width.seconds) - width.kept
"""

# What is counted, and the same from the events.
COUNTERS = {
    "addresses": (
        "SELECT project_id, event_id, received_at FROM issues_eventaddress",
        "SELECT project_id, event_id, received_at FROM issues_event",
    ),
    "issues": (
        "SELECT project_id, id, times_seen, user_count::bigint FROM issues_issue",
        """
        SELECT project_id, issue_id, count(*), count(DISTINCT user_hash)
        FROM issues_event GROUP BY 1, 2
        """,
    ),
    "texts of issues": (
        "SELECT project_id, issue_id, text FROM issues_issuetext",
        f"SELECT project_id, id, {IssueText.TEXT_OF.format(issue='issue')} FROM issues_issue issue",
    ),
    "users of issues": (
        "SELECT project_id, issue_id, user_hash FROM issues_issueuser",
        """
        SELECT DISTINCT project_id, issue_id, user_hash
        FROM issues_event WHERE user_hash IS NOT NULL
        """,
    ),
    "people": (
        "SELECT project_id, hash FROM issues_eventuser",
        "SELECT DISTINCT project_id, user_hash FROM issues_event WHERE user_hash IS NOT NULL",
    ),
    "tag values": (
        "SELECT project_id, issue_id, key, value, times_seen FROM issues_issuetag",
        f"""
        SELECT project_id, issue_id, split_part(tag, '=', 1),
            substr(tag, strpos(tag, '=') + 1), count(*)
        FROM issues_event, unnest(tags) tag
        WHERE split_part(tag, '=', 1) NOT IN ({UNCOUNTED})
        GROUP BY 1, 2, 3, 4
        """,
    ),
    "tag keys": (
        """
        SELECT id, key, (value ->> 0)::bigint, (value ->> 1)::bigint
        FROM issues_issue, jsonb_each(tag_keys)
        """,
        """
        SELECT issue_id, key, count(*), sum(times_seen)::bigint FROM issues_issuetag
        GROUP BY 1, 2
        """,
    ),
    "issues by release": (
        """
        SELECT project_id, issue_id, environment_id, release_id, times_seen
        FROM issues_issuerelease
        """,
        """
        SELECT project_id, issue_id, environment_id, release_id, count(*)
        FROM issues_event GROUP BY 1, 2, 3, 4
        """,
    ),
    "hours of issues": (
        """
        SELECT project_id, issue_id, environment_id, day * 24 + hour.number - 1, hour.quantity
        FROM stats_issueday, unnest(hours) WITH ORDINALITY AS hour (quantity, number)
        WHERE hour.quantity <> 0
        """,
        """
        SELECT project_id, issue_id, environment_id,
            floor(extract(epoch FROM "timestamp") / 3600)::bigint, count(*)
        FROM issues_event GROUP BY 1, 2, 3, 4
        """,
    ),
    "days of issues": (
        "SELECT project_id, issue_id, environment_id, day, total::bigint FROM stats_issueday",
        """
        SELECT project_id, issue_id, environment_id,
            floor(extract(epoch FROM "timestamp") / 86400)::int, count(*)
        FROM issues_event GROUP BY 1, 2, 3, 4
        """,
    ),
    "new issues of releases": (
        """
        SELECT project_id, release_id, new_issues::bigint FROM releases_releaseproject
        WHERE new_issues <> 0
        """,
        """
        SELECT project_id, first_release_id, count(*) FROM issues_issue
        WHERE first_release_id IS NOT NULL GROUP BY 1, 2
        """,
    ),
    # Buckets that nobody would read any more may be counted, left out or pruned.
    **{
        f"series of {kind.label}": (
            f"SELECT project_id, object_id, width, bucket, quantity {_COUNTED} AND kind = {kind:d}",
            expected,
        )
        for kind, expected in SERIES.items()
    },
    "received by keys": (
        f"""
        SELECT project_id, width, bucket, sum(quantity) FROM stats_seriescount
        WHERE kind = {Kind.KEY_RECEIVED:d} GROUP BY 1, 2, 3
        """,
        f"""
        SELECT project_id, width, bucket, quantity::numeric FROM stats_seriescount
        WHERE kind = {Kind.PROJECT_RECEIVED:d}
        """,
    ),
    "the journal, which is to be empty": (
        "SELECT id FROM issues_journalentry",
        "SELECT 0 WHERE false",
    ),
}

DIFFERENCES = """
    WITH counted AS ({counted}), expected AS ({expected})
    (SELECT 'counted', counted::text FROM counted EXCEPT ALL SELECT 'counted', expected::text
        FROM expected LIMIT 3)
    UNION ALL
    (SELECT 'expected', expected::text FROM expected EXCEPT ALL SELECT 'expected', counted::text
        FROM counted LIMIT 3)
"""


def differences(cursor: Any) -> list[str]:
    """Where counters and events disagree, with examples; nothing when all is well.

    For a database in which no event was refused or dropped, no issue was deleted, and none has
    more tag keys than an issue shows.
    """
    found = []
    for name, (counted, expected) in COUNTERS.items():
        cursor.execute(DIFFERENCES.format(counted=counted, expected=expected))
        found += [f"{name}: {side} {row}" for side, row in cursor.fetchall()]
    return found
