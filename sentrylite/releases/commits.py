"""Commits: what a release is told of them, and reading them back (releases contract, sections 3
and 6)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations.models import Organization

from .models import Commit, CommitAuthor, Release, Repository

# What says in a commit's message that no release is to list it.
SKIPPED = "#skipsentry"
MAX_NAME = 128
NOT_IN_AN_ADDRESS = re.compile(r"\W")


class FileChange(NamedTuple):
    filename: str
    type: str
    """A, M or D, as CommitFileChange has them."""


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit as a client tells of it."""

    key: str
    repository: str
    """By its name: one that is new is made."""
    message: str | None = None
    author_name: str = ""
    author_email: str = ""
    """One of both is enough for an author."""
    created_at: datetime | None = None
    """All the commits of a list have one, or none has."""
    changes: tuple[FileChange, ...] = ()

    @property
    def email(self) -> str | None:
        """The address that its author goes by, in lower case; None without an author."""
        if self.author_email or not self.author_name:
            return self.author_email.lower() or None
        name = NOT_IN_AN_ADDRESS.sub("", self.author_name).lower()
        return f"{name[:MAX_NAME]}@localhost"


class Head(NamedTuple):
    """The commit of a repository that a release was built from. Both by their names."""

    repository: str
    commit: str


# Writing ------------------------------------------------------------------------------------------

# The release's row is the queue of those who change its commits. All of the statements here go
# through their tables in the same order and through the rows of each in the order of its keys.
LOCK_RELEASE = "SELECT 1 FROM releases_release WHERE id = %(release)s FOR NO KEY UPDATE"

# One that was removed is there again.
ADD_REPOSITORIES = f"""
    INSERT INTO releases_repository AS known
        (organization_id, name, provider, url, status, created_at)
    SELECT %(organization)s, name, '', '', '{Repository.Status.ACTIVE}', %(now)s
    FROM unnest(%(names)s::text[]) AS wanted(name)
    ORDER BY name
    ON CONFLICT (organization_id, name) DO UPDATE SET status = EXCLUDED.status
    WHERE known.status = '{Repository.Status.DELETED}'
"""

ADD_AUTHORS = """
    INSERT INTO releases_commitauthor AS known (organization_id, email, name)
    SELECT %(organization)s, email, name
    FROM unnest(%(emails)s::text[], %(names)s::text[]) AS wanted(email, name)
    ORDER BY email
    ON CONFLICT (organization_id, email) DO UPDATE SET name = EXCLUDED.name
    WHERE EXCLUDED.name NOT IN ('', known.name)
"""

# What is told again adds to what is known, or corrects it; what is not told leaves it.
ADD_COMMITS = """
    INSERT INTO releases_commit AS known (repository_id, key, author_id, message, created_at)
    SELECT repository.id, batch.key, author.id, batch.message, coalesce(batch.created_at, %(now)s)
    FROM unnest(%(repositories)s::text[], %(keys)s::text[], %(emails)s::text[],
        %(messages)s::text[], %(moments)s::timestamptz[])
        AS batch(repository, key, email, message, created_at)
    JOIN releases_repository repository
        ON repository.organization_id = %(organization)s AND repository.name = batch.repository
    LEFT JOIN releases_commitauthor author
        ON author.organization_id = %(organization)s AND author.email = batch.email
    ORDER BY repository.id, batch.key
    ON CONFLICT (repository_id, key) DO UPDATE SET
        author_id = coalesce(EXCLUDED.author_id, known.author_id),
        message = coalesce(EXCLUDED.message, known.message),
        created_at = CASE WHEN %(is_dated)s THEN EXCLUDED.created_at ELSE known.created_at END
"""

ADD_FILE_CHANGES = """
    INSERT INTO releases_commitfilechange (commit_id, filename, type)
    SELECT commit.id, batch.filename, batch.type
    FROM unnest(%(repositories)s::text[], %(keys)s::text[], %(filenames)s::text[],
        %(types)s::text[]) AS batch(repository, key, filename, type)
    JOIN releases_repository repository
        ON repository.organization_id = %(organization)s AND repository.name = batch.repository
    JOIN releases_commit commit ON commit.repository_id = repository.id AND commit.key = batch.key
    ORDER BY commit.id, batch.filename
    ON CONFLICT DO NOTHING
"""

REMOVE_LIST = "DELETE FROM releases_releasecommit WHERE release_id = %(release)s"

ADD_LIST = """
    INSERT INTO releases_releasecommit (release_id, commit_id, "order")
    SELECT %(release)s, commit.id, batch.number - 1
    FROM unnest(%(repositories)s::text[], %(keys)s::text[]) WITH ORDINALITY
        AS batch(repository, key, number)
    JOIN releases_repository repository
        ON repository.organization_id = %(organization)s AND repository.name = batch.repository
    JOIN releases_commit commit ON commit.repository_id = repository.id AND commit.key = batch.key
    ORDER BY batch.number
"""

SET_HEADS = """
    INSERT INTO releases_releaseheadcommit (release_id, repository_id, commit_id)
    SELECT %(release)s, repository.id, commit.id
    FROM unnest(%(repositories)s::text[], %(keys)s::text[]) AS batch(repository, key)
    JOIN releases_repository repository
        ON repository.organization_id = %(organization)s AND repository.name = batch.repository
    JOIN releases_commit commit ON commit.repository_id = repository.id AND commit.key = batch.key
    ORDER BY repository.id
    ON CONFLICT (release_id, repository_id) DO UPDATE SET commit_id = EXCLUDED.commit_id
"""

SUM_UP_LIST = """
    UPDATE releases_release release
    SET commit_count = list.commits, last_commit_id = list.newest, author_ids = list.authors
    FROM (
        SELECT coalesce(sum(commits), 0) AS commits,
            (array_agg(newest ORDER BY first_order))[1] AS newest,
            coalesce(
                array_agg(author_id ORDER BY first_order) FILTER (WHERE author_id IS NOT NULL), '{}'
            ) AS authors
        FROM (
            SELECT commit.author_id, count(*) AS commits, min(listed."order") AS first_order,
                (array_agg(commit.id ORDER BY listed."order"))[1] AS newest
            FROM releases_releasecommit listed JOIN releases_commit commit
                ON commit.id = listed.commit_id
            WHERE listed.release_id = %(release)s
            GROUP BY commit.author_id
        ) by_author
    ) list
    WHERE release.id = %(release)s
"""


@transaction.atomic
def set_commits(release: Release, commits: Iterable[NewCommit], *, now: datetime) -> None:
    """Make these the commits of a release, the newest first, instead of those it had. The newest of
    each repository is its head. Nine statements. Raises Release.DoesNotExist.

    Their repositories and authors are made where they are new. Those that ask to be skipped are.
    """
    listed = _in_order(commits, now)
    names: dict[str, Any] = {
        "release": release.pk,
        "organization": release.organization_id,
        "now": now,
    }
    columns = names | _columns(listed)
    heads: dict[str, NewCommit] = {}
    for commit in listed:
        heads.setdefault(commit.repository, commit)
    with connection.cursor() as cursor:
        _lock(cursor, release)
        _ensure_repositories(cursor, release, heads, now=now)
        authors = _authors(listed)
        cursor.execute(
            ADD_AUTHORS,
            names | {"emails": literal(authors), "names": literal(authors.values())},
        )
        cursor.execute(ADD_COMMITS, columns)
        cursor.execute(ADD_FILE_CHANGES, names | _columns_of_changes(listed))
        cursor.execute(REMOVE_LIST, names)
        cursor.execute(ADD_LIST, columns)
        cursor.execute(SET_HEADS, names | _columns(heads.values()))
        cursor.execute(SUM_UP_LIST, names)


@transaction.atomic
def set_heads(release: Release, heads: Sequence[Head], *, now: datetime) -> None:
    """Say which commits of these repositories, which there are, a release was built from. Three
    statements. Raises Release.DoesNotExist."""
    commits = {head.repository: NewCommit(head.commit, head.repository) for head in heads}
    columns: dict[str, Any] = {"release": release.pk, "organization": release.organization_id}
    columns |= {"now": now} | _columns(commits.values())
    with connection.cursor() as cursor:
        _lock(cursor, release)
        cursor.execute(ADD_COMMITS, columns)
        cursor.execute(SET_HEADS, columns)


def _lock(cursor: Any, release: Release) -> None:
    cursor.execute(LOCK_RELEASE, {"release": release.pk})
    if cursor.fetchone() is None:
        raise Release.DoesNotExist


def _ensure_repositories(
    cursor: Any, release: Release, names: Iterable[str], *, now: datetime
) -> None:
    wanted = {"organization": release.organization_id, "names": literal(names), "now": now}
    cursor.execute(ADD_REPOSITORIES, wanted)


def _in_order(commits: Iterable[NewCommit], now: datetime) -> list[NewCommit]:
    """Each once, the newest first; without dates as they came."""
    listed: dict[tuple[str, str], NewCommit] = {}
    for commit in commits:
        if SKIPPED not in (commit.message or ""):
            listed.setdefault((commit.repository, commit.key), commit)
    return sorted(listed.values(), key=lambda commit: commit.created_at or now, reverse=True)


def _authors(commits: Iterable[NewCommit]) -> dict[str, str]:
    """The names of authors by address: of several the newest commit's."""
    authors: dict[str, str] = {}
    for commit in commits:
        if commit.email is not None and not authors.get(commit.email):
            authors[commit.email] = commit.author_name
    return authors


def _columns(commits: Collection[NewCommit]) -> dict[str, Any]:
    return {
        "repositories": literal(commit.repository for commit in commits),
        "keys": literal(commit.key for commit in commits),
        "emails": literal(commit.email for commit in commits),
        "messages": literal(commit.message for commit in commits),
        "moments": literal(
            commit.created_at.isoformat() if commit.created_at else None for commit in commits
        ),
        "is_dated": any(commit.created_at for commit in commits),
    }


def _columns_of_changes(commits: Iterable[NewCommit]) -> dict[str, str]:
    changes = [(commit, change) for commit in commits for change in commit.changes]
    return {
        "repositories": literal(commit.repository for commit, _ in changes),
        "keys": literal(commit.key for commit, _ in changes),
        "filenames": literal(change.filename for _, change in changes),
        "types": literal(change.type for _, change in changes),
    }


# Reading ------------------------------------------------------------------------------------------

# The person of this organization with an author's address. The author is `a`.
_PERSON = f"""
    LEFT JOIN LATERAL (
        SELECT {rows.columns(User, "member_user")} FROM accounts_user member_user
        JOIN organizations_organizationmember m ON m.user_id = member_user.id
        WHERE m.organization_id = a.organization_id AND member_user.is_active
            AND lower(member_user.email) = lower(a.email)
        ORDER BY member_user.id LIMIT 1
    ) u ON true
"""

FIND_COMMITS = f"""
    SELECT {rows.columns(Commit, "c")}, {rows.columns(Repository, "r")},
        {rows.columns(CommitAuthor, "a")}, {rows.columns(User, "u")}
    FROM releases_commit c
    JOIN releases_repository r ON r.id = c.repository_id
    LEFT JOIN releases_commitauthor a ON a.id = c.author_id {_PERSON}
    WHERE c.id = ANY(%(ids)s::bigint[])
"""

FIND_RELEASES_OF_COMMITS = f"""
    SELECT listed.commit_id, {rows.columns(Release, "r")}
    FROM releases_releasecommit listed JOIN releases_release r ON r.id = listed.release_id
    WHERE listed.commit_id = ANY(%(ids)s::bigint[])
    ORDER BY coalesce(r.released_at, r.created_at) DESC, r.id DESC
"""

FIND_AUTHORS = f"""
    SELECT {rows.columns(CommitAuthor, "a")}, {rows.columns(User, "u")}
    FROM releases_commitauthor a {_PERSON}
    WHERE a.id = ANY(%(ids)s::bigint[])
"""


def load_commits(ids: Collection[int]) -> dict[int, Commit]:
    """The commits with these ids, by id, as their serializer needs them: with their repository,
    their author and the releases that list them. Two statements; none for no ids."""
    if not ids:
        return {}
    wanted = {"ids": literal(ids)}
    with connection.cursor() as cursor:
        cursor.execute(FIND_COMMITS, wanted)
        found = {commit.pk: commit for commit in map(_commit, cursor.fetchall())}
        cursor.execute(FIND_RELEASES_OF_COMMITS, wanted)
        for commit_id, *release in cursor.fetchall():
            found[commit_id].released_in.append(rows.instance(Release, release))
    return found


def load_authors(ids: Collection[int]) -> dict[int, CommitAuthor]:
    """The authors with these ids, by id, as the people that they are. One statement; none for no
    ids."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(FIND_AUTHORS, {"ids": literal(ids)})
        return {author.pk: author for author in map(_author, cursor.fetchall())}


def _commit(row: Sequence[Any]) -> Commit:
    own, rest = row[: rows.width(Commit)], row[rows.width(Commit) :]
    repository, author = rest[: rows.width(Repository)], rest[rows.width(Repository) :]
    commit = rows.instance(Commit, own)
    commit.repository = rows.instance(Repository, repository)
    commit.author = _author(author) if commit.author_id is not None else None
    commit.released_in = []
    return commit


def _author(row: Sequence[Any]) -> CommitAuthor:
    split = rows.width(CommitAuthor)
    author = rows.instance(CommitAuthor, row[:split])
    person = rows.instance(User, row[split:])
    author.user = person if person.pk is not None else None
    return author


def unknown_repositories(organization: Organization, names: Collection[str]) -> list[str]:
    """Those of these names that no repository of the organization has, sorted. One statement."""
    there = Repository.objects.filter(organization=organization, name__in=names)
    known = there.exclude(status=Repository.Status.DELETED).values_list("name", flat=True)
    return sorted({*names} - {*known})
