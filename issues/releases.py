"""What releases and their commits mean to issues: which are fixed by them, and which hold them.

A commit fixes the issues whose short ids are behind `fixes`, `closes` or `resolves` in its message,
and those that somebody resolved in it (issues contract, section 5). They are resolved in the first
release that lists it.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from sentrylite.arrays import literal
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.commits import load_commits
from sentrylite.releases.models import Commit, Release, Repository
from sentrylite.releases.queries import CAME_OUT_AT

from . import actions
from .models import Issue, IssueCommit, IssueResolution
from .models.issue import read_short_id

FIXES = re.compile(
    r"\b(?:fix(?:e[sd])?|closes?d?|resolve[sd]?)\b:?\s+"
    r"(#?[a-z0-9][-\w]*-[0-9a-z]{1,7}\b(?:(?:\s*,\s*|\s+and\s+|\s+)#?[a-z0-9][-\w]*-[0-9a-z]{1,7}\b)*)",
    re.ASCII | re.IGNORECASE,
)
SHORT_ID = re.compile(r"[a-z0-9][-\w]*-[0-9a-z]{1,7}\b", re.ASCII | re.IGNORECASE)
# Of one message: a longer one is no message.
MAX_FIXED = 100


class InUse(Exception):
    """The release is the first one of an issue."""


class Fix(NamedTuple):
    """An issue that a commit says it fixes."""

    commit_id: int
    slug: str
    """Of the issue's project, in lower case."""
    number: int


def read_fixed(message: str) -> list[tuple[str, int]]:
    """The issues that a message says its commit fixes, each once: the slugs of their projects in
    lower case and their numbers."""
    found: dict[tuple[str, int], None] = {}
    for part in FIXES.findall(message):
        for text in SHORT_ID.findall(part):
            if (named := read_short_id(text)) is not None:
                found[named] = None
    return list(found)[:MAX_FIXED]


FIND_MESSAGES = """
    SELECT commit.id, commit.message
    FROM releases_releasecommit listed JOIN releases_commit commit ON commit.id = listed.commit_id
    WHERE listed.release_id = %(release)s AND commit.message ~* '(fix|close|resolve)'
"""

# Only issues of the projects that ship the release. Who names one that was merged away means the
# one that it was merged into.
LINK_FIXED = f"""
    INSERT INTO issues_issuecommit (issue_id, commit_id)
    SELECT DISTINCT issue.id, fix.commit_id
    FROM unnest(%(commits)s::bigint[], %(slugs)s::text[], %(numbers)s::bigint[])
        AS fix(commit_id, slug, number)
    JOIN organizations_project project ON lower(project.slug) = fix.slug
        AND project.status = 'active'
    JOIN releases_releaseproject link
        ON link.project_id = project.id AND link.release_id = %(release)s
    JOIN issues_issue named ON named.project_id = project.id AND named.number = fix.number
    JOIN issues_issue issue ON issue.id = coalesce(named.merged_into_id, named.id)
    WHERE issue.status < {Issue.Status.PENDING_DELETION:d}
    ORDER BY issue.id, fix.commit_id
    ON CONFLICT DO NOTHING RETURNING issue_id
"""

FIND_WAITING = f"""
    SELECT resolution.issue_id
    FROM issues_issueresolution resolution
    JOIN issues_issue issue ON issue.id = resolution.issue_id
    JOIN releases_releaseproject link
        ON link.project_id = issue.project_id AND link.release_id = %(release)s
    WHERE resolution.type = '{IssueResolution.Type.IN_COMMIT}' AND resolution.commit_id IN (
        SELECT commit_id FROM releases_releasecommit WHERE release_id = %(release)s
        UNION ALL SELECT commit_id FROM releases_releaseheadcommit WHERE release_id = %(release)s)
"""


@transaction.atomic
def resolve_fixed(release: Release, *, now: datetime) -> int:
    """Resolve in a release the issues that its commits fix and have not resolved before; returns
    how many. Two statements when there are none."""
    place = {"release": release.pk}
    with connection.cursor() as cursor:
        cursor.execute(FIND_MESSAGES, place)
        fixes = [
            Fix(commit_id, *named)
            for commit_id, message in cursor.fetchall()
            for named in read_fixed(message)
        ]
        linked: set[int] = set()
        if fixes:
            names = ("commits", "slugs", "numbers")
            columns = zip(names, map(literal, zip(*fixes, strict=True)), strict=True)
            cursor.execute(LINK_FIXED, place | dict(columns))
            linked = {issue_id for (issue_id,) in cursor.fetchall()}
        cursor.execute(FIND_WAITING, place)
        waiting = {issue_id for (issue_id,) in cursor.fetchall()}
    if linked:
        issues = list(Issue.objects.filter(pk__in=linked))
        actions.resolve_issues_in_release(issues, release, is_next=False, by=None, now=now)
    if waiting := waiting - linked:
        actions.settle_in_release(waiting, release, now=now)
    return len(linked | waiting)


def find_commit(organization: Organization, repository: str, key: str) -> Commit | None:
    """A commit of one of the organization's repositories, by their names, loaded for its
    serializer. Three statements."""
    there = Commit.objects.filter(repository__organization=organization, key=key)
    ids = there.filter(repository__name=repository).values_list("pk", flat=True)
    return next(iter(load_commits(list(ids[:1])).values()), None)


def has_repository(organization: Organization, name: str) -> bool:
    found = Repository.objects.filter(organization=organization, name=name)
    return found.exclude(status=Repository.Status.DELETED).exists()


def newest_release_with(commit: Commit, project: Project) -> Release | None:
    """The newest release of the project that lists a commit, or was built from it. One
    statement."""
    holds = Q(release_commits__commit=commit) | Q(head_commits__commit=commit)
    found = Release.objects.filter(holds, projects=project)
    return found.order_by(CAME_OUT_AT.desc(), "-id").first()


def resolved_in(release: Release, projects: Collection[Project]) -> list[int]:
    """The ids of those issues of the projects that are resolved in a release, or that its commits
    fix, the newest first. One statement."""
    resolved = IssueResolution.objects.filter(
        release=release, type=IssueResolution.Type.IN_RELEASE
    ).values("issue")
    fixed = IssueCommit.objects.filter(commit__release_commits__release=release).values("issue")
    found = Issue.objects.visible().filter(project__in=list(projects))
    found = found.filter(Q(pk__in=resolved) | Q(pk__in=fixed))
    return list(found.order_by("-pk").values_list("pk", flat=True))


@transaction.atomic
def delete_release(release: Release) -> None:
    """Delete a release with all that belongs to it. Raises InUse while it is the first release of
    an issue. Nothing happens to one that is gone.

    Who brings its first event meanwhile waits, and makes it anew.
    """
    if not Release.objects.select_for_update().filter(pk=release.pk).exists():
        return
    if Issue.objects.visible().filter(first_release=release).exists():
        raise InUse
    release.delete()
