"""The sessions of an organization, by what they have in common: the most of them first, say."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from django.db import connection

from sentrylite.arrays import literal
from sentrylite.organizations.models import Organization, Project

from .health import Figures, Group, Scope, read

# Names are found by an index, patterns among the releases that had sessions.
FIND_RELEASES = """
    SELECT id, version FROM releases_release
    WHERE organization_id = %(organization)s AND version = ANY(%(names)s::text[])
    UNION
    SELECT id, version FROM releases_release
    WHERE %(with_patterns)s AND id IN (
        SELECT release_id FROM releases_releasehealth
        WHERE project_id = ANY(%(projects)s::bigint[])
    )
"""
FIND_ENVIRONMENTS = """
    SELECT id, name FROM organizations_environment WHERE organization_id = %s
"""
NAME_RELEASES = "SELECT id, version FROM releases_release WHERE id = ANY(%s::bigint[])"
NAME_ENVIRONMENTS = "SELECT id, name FROM organizations_environment WHERE id = ANY(%s::bigint[])"


@dataclass(frozen=True, slots=True)
class Clause:
    """What is asked of one attribute of sessions: one of the values, or none of them."""

    key: str
    """`release`, `environment`, `project` (the slug) or `project.id`."""
    values: tuple[str, ...]
    is_negated: bool = False

    @property
    def has_pattern(self) -> bool:
        return any("*" in value for value in self.values)

    def matches(self, value: str) -> bool:
        """Whether this is one of the values; an asterisk in them stands for any text."""
        return any(
            fnmatchcase(value, _escape(pattern)) if "*" in pattern else value == pattern
            for pattern in self.values
        )


def _escape(pattern: str) -> str:
    """Only the asterisk has a meaning, not the other signs of shells."""
    return re.sub(r"([?\[])", r"[\1]", pattern)


@dataclass(slots=True)
class SessionGroup:
    group: Group
    total: Figures
    series: list[Figures] = field(default_factory=list)
    """Of each interval."""
    release: str | None = None
    environment: str | None = None


def narrow(
    organization: Organization,
    projects: Sequence[Project],
    clauses: Collection[Clause],
    environment_ids: Collection[int] | None,
) -> Scope:
    """Those of the projects' sessions that meet all clauses, and are in these environments; None
    is any. A statement when a clause asks for releases, and one when one does for environments."""
    for clause in clauses:
        if clause.key in ("project", "project.id"):
            projects = [
                project
                for project in projects
                if clause.matches(project.slug if clause.key == "project" else str(project.pk))
                != clause.is_negated
            ]
    scope = Scope([project.pk for project in projects], environment_ids=environment_ids)
    if of_releases := [clause for clause in clauses if clause.key == "release"]:
        versions = _find_releases(organization, scope.project_ids, of_releases)
        some, none = _choose(versions, of_releases)
        scope = replace(scope, release_ids=some, not_release_ids=none)
    if of_environments := [clause for clause in clauses if clause.key == "environment"]:
        some, none = _choose(_fetch(FIND_ENVIRONMENTS, organization.pk), of_environments)
        if some is not None and environment_ids is not None:
            some &= set(environment_ids)
        scope = replace(
            scope,
            environment_ids=scope.environment_ids if some is None else some,
            not_environment_ids=none,
        )
    return scope


def _find_releases(
    organization: Organization, project_ids: Collection[int], clauses: Collection[Clause]
) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_RELEASES,
            {
                "organization": organization.pk,
                "names": literal(value for clause in clauses for value in clause.values),
                "with_patterns": any(clause.has_pattern for clause in clauses),
                "projects": literal(project_ids),
            },
        )
        return dict(cursor.fetchall())


def _choose(names: dict[int, str], clauses: Iterable[Clause]) -> tuple[set[int] | None, set[int]]:
    """The ids that all clauses want, None where they do not say, and those that any does not."""
    some: set[int] | None = None
    none: set[int] = set()
    for clause in clauses:
        found = {pk for pk, name in names.items() if clause.matches(name)}
        if clause.is_negated:
            none |= found
        else:
            some = found if some is None else some & found
    return some, none


def read_groups(
    scope: Scope,
    intervals: Sequence[range],
    now: float,
    *,
    what: Iterable[str],
    by: Collection[str],
    key: Callable[[Figures], int | float | None],
    is_descending: bool,
) -> list[SessionGroup]:
    """The groups that had sessions in the intervals (`health.read`), with their totals, in the
    order of `key`. Without anything to group `by` it is one of all. A statement for each of
    `what`."""
    whole = range(intervals[0].start, intervals[-1].stop)
    found = read(scope, {0: whole}, now, what=what, by=by)[0]
    if not by:
        found.setdefault(Group(), Figures())
    groups = [SessionGroup(group, figures) for group, figures in sorted(found.items(), key=_first)]

    def order(group: SessionGroup) -> tuple[bool, int | float]:
        value = key(group.total)
        return value is not None, value or 0

    return sorted(groups, key=order, reverse=is_descending)


def _first(pair: tuple[Group, Figures]) -> Group:
    return pair[0]


def load_series(
    groups: Sequence[SessionGroup],
    scope: Scope,
    intervals: Sequence[range],
    now: float,
    *,
    what: Iterable[str],
    by: Collection[str],
) -> None:
    """`series` of a page of groups. A statement for each of `what`."""
    if "project" in by:
        scope = replace(scope, project_ids={each.group.project_id or 0 for each in groups})
    if "release" in by:
        scope = replace(scope, release_ids={each.group.release_id or 0 for each in groups})
    if "environment" in by:
        ids = {each.group.environment_id or 0 for each in groups}
        scope = replace(scope, environment_ids=ids)
    found = read(scope, list(intervals), now, what=what, by=by)
    for each in groups:
        each.series = [found[label].get(each.group) or Figures() for label in range(len(intervals))]


def load_names(groups: Sequence[SessionGroup], by: Collection[str]) -> None:
    """`release` and `environment` of a page of groups. A statement for each that they are grouped
    by."""
    if "release" in by:
        names = _fetch(NAME_RELEASES, literal(each.group.release_id or 0 for each in groups))
        for each in groups:
            each.release = names.get(each.group.release_id or 0, "")
    if "environment" in by:
        names = _fetch(
            NAME_ENVIRONMENTS, literal(each.group.environment_id or 0 for each in groups)
        )
        for each in groups:
            each.environment = names.get(each.group.environment_id or 0, "")


def _fetch(statement: str, parameter: int | str) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return dict(cursor.fetchall())
