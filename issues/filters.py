"""What the terms of a search ask of an issue, in SQL (conventions contract, section 10).

Each term is a fixed condition on the issue `i` of the project `place.project_id`, with places for
its values: `{name}` becomes a parameter. Who looks for a person or a release that nobody knows
finds nothing.

A condition is asked of one issue after the other, in the order of the list: good for what is
frequent. Words and tags also have a statement that finds their issues by an index, good for what is
rare; `issues.queries.narrow` finds out which of them it is.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sentrylite.arrays import literal
from sentrylite.organizations.models import Project

from .models.event import CLOCKS_DIFFER, LONGEST_WAY
from .models.issue import Level, priority_of, read_short_id
from .search import FIELDS, Bound, Field, Has, Is, IsAssigned, Moment, Number, Tag, Term, Text

EVENT_TIMESTAMP = 'e."timestamp"'
OPERATORS = {"<": "<", "<=": "<=", "=": "=", ">=": ">=", ">": ">"}

# Letter case as ILIKE has it: both sides are lowered by the database.
TEXT = """
    (SELECT text.text LIKE lower({pattern}) FROM issues_issuetext text
    WHERE text.project_id = i.project_id AND text.issue_id = i.id)
"""
_FIND_TEXT = """
    SELECT issue_id FROM issues_issuetext
    WHERE project_id = ANY(%(projects)s::bigint[]) AND text LIKE {is_text}
"""
FIND_TEXT = _FIND_TEXT.format(is_text="lower({pattern})")
FIND_TEXTS = _FIND_TEXT.format(is_text="ANY(lower({patterns})::text[])")
# A text of several lines might begin in the title and end in the culprit: it is not to be found.
LINES = "(i.title ILIKE {pattern} OR i.culprit ILIKE {pattern} OR i.message ILIKE {pattern})"

# Who names an issue that was merged away means the one that it was merged into.
_NAMED = """
    i.id IN (SELECT coalesce(named.merged_into_id, named.id) FROM issues_issue named {which})
"""
SHORT_ID = _NAMED.format(
    which="""
        JOIN unnest({projects}::bigint[], {numbers}::bigint[]) AS wanted (project_id, number)
            USING (project_id, number)
    """
)
IS_ISSUE = _NAMED.format(which="WHERE named.id = {number}::bigint")

HAS_LEVEL = "i.level = ANY({levels}::smallint[])"

IN_PROJECTS = """
    place.project_id IN (SELECT project.id FROM organizations_project project
        WHERE project.organization_id = %(organization)s AND ({is_slug}))
"""

UNASSIGNED = "(i.assigned_user_id IS NULL AND i.assigned_team_id IS NULL)"

# Not an EXISTS, which the planner may answer for all issues at once.
_TAG = """
    (SELECT true FROM issues_issuetag tag
    WHERE tag.project_id = i.project_id AND tag.issue_id = i.id AND tag.key = {{key}}
        AND ({is_value}) LIMIT 1)
"""
_FIND_TAG = """
    SELECT tag.issue_id FROM unnest(%(projects)s::bigint[]) AS place (project_id)
    JOIN issues_issuetag tag ON tag.project_id = place.project_id
    WHERE tag.key = {{key}} AND ({is_value})
"""
HAS_TAG = _TAG.format(is_value="tag.value <> ''")

# An event has the tag of the user that it names; the user's other names are asked of the user.
_USER = """
    tag.value = ANY(ARRAY(
        SELECT person.tag_value FROM issues_eventuser person
        WHERE person.project_id = place.project_id AND ({is_person})
    ))
"""
USER_COLUMNS = {
    "id": "person.ident",
    "email": "person.email",
    "username": "person.username",
    "ip": "host(person.ip_address)",
}

_PEOPLE = """
    SELECT person.id FROM accounts_user person
    WHERE person.id = {me}::bigint OR person.is_active
        AND (lower(person.username) = ANY({names}::text[])
            OR lower(person.email) = ANY({names}::text[]))
"""
ASSIGNED_TO = f"""
    (i.assigned_user_id IN ({_PEOPLE})
        OR i.assigned_team_id IN (
            SELECT membership.team_id FROM organizations_teammembership membership
            JOIN organizations_organizationmember member ON member.id = membership.member_id
            WHERE member.user_id IN ({_PEOPLE}) OR member.user_id = {{me_in_teams}}::bigint)
        OR i.assigned_team_id IN (
            SELECT team.id FROM organizations_team team
            WHERE team.organization_id = %(organization)s AND team.slug = ANY({{teams}}::text[]))
        OR {{nobody}} AND {UNASSIGNED})
"""
BOOKMARKED_BY = f"""
    EXISTS (SELECT 1 FROM issues_issuebookmark mark
        WHERE mark.issue_id = i.id AND mark.user_id IN ({_PEOPLE}))
"""
SUBSCRIBED_BY = f"""
    EXISTS (SELECT 1 FROM issues_issuesubscription mark
        WHERE mark.issue_id = i.id AND mark.is_active AND mark.user_id IN ({_PEOPLE}))
"""

NEWEST_RELEASE = """
    SELECT release.{column} FROM releases_releaseproject link
    JOIN releases_release release ON release.id = link.release_id
    WHERE link.project_id = place.project_id
    ORDER BY coalesce(release.released_at, release.created_at) DESC, release.id DESC LIMIT 1
"""
_FIRST_RELEASE = """
    i.first_release_id IN (SELECT release.id FROM releases_release release
        WHERE release.organization_id = %(organization)s AND ({is_version}))
"""
FIRST_IS_NEWEST = f"i.first_release_id = ({NEWEST_RELEASE.format(column='id')})"
RELEASE_IS_NEWEST = _TAG.format(is_value=f"tag.value = ({NEWEST_RELEASE.format(column='version')})")

_EVENT = """
    EXISTS (
        SELECT 1 FROM issues_event e
        WHERE e.project_id = i.project_id AND e.issue_id = i.id
            AND e.received_at BETWEEN {{received_from}} AND {{received_to}} AND {is_moment}
    )
"""

IN_ENVIRONMENTS = """
    (SELECT true FROM issues_issuerelease seen_in
    WHERE seen_in.project_id = i.project_id AND seen_in.issue_id = i.id
        AND seen_in.environment_id = ANY({environments}::bigint[]) LIMIT 1)
"""

_COLUMNS = {
    "title": "i.title",
    "culprit": "i.culprit",
    "type": "i.type",
    "platform": "i.platform",
    "error_type": "i.metadata->>'type'",
    "error_value": "i.metadata->>'value'",
    "times_seen": "i.times_seen",
    "issue_id": "i.id",
    "project_id": "i.project_id",
    "first_seen": "i.first_seen",
    "last_seen": "i.last_seen",
    "active_since": "i.active_at",
}
_TEXTS = ("title", "culprit", "type", "platform", "error_type", "error_value")
_HAS = {
    "assigned": f"NOT {UNASSIGNED}",
    "first_release": "i.first_release_id IS NOT NULL",
    **dict.fromkeys(("category", "priority", "project", "short_id"), "TRUE"),
    **{name: f"{_COLUMNS[name]} <> ''" for name in _TEXTS},
}

_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


class Finder(NamedTuple):
    """A statement that finds the ids of all issues that a condition is true of, by an index; maybe
    some of them twice."""

    sql: str
    rest: str = "TRUE"
    """What is still to be asked of an issue that it finds."""
    all: str = "TRUE"
    """All that is asked of an issue, its own condition first."""


class Condition(NamedTuple):
    sql: str
    """With `{name}` where a value goes."""
    values: dict[str, Any]
    finder: Finder | None = None


class Where(NamedTuple):
    """Conditions on an issue `i` of the project `place.project_id`, and their parameters."""

    sql: str
    parameters: dict[str, Any]
    finders: Sequence[Finder] = ()
    """Of one condition each, with all the others as its `rest`."""
    hits: int | None = None
    """How many issues there are, if an index told (`issues.queries.narrow`)."""
    is_known: bool = False
    """Whether the parameter `found` has the ids of all of these."""


EVERYTHING = Where("TRUE", {})


class Context(NamedTuple):
    """Where is looked, and by whom."""

    organization_id: int
    projects: Collection[Project]
    """Of the organization."""
    user_id: int | None
    """Who `me` is; nobody, for an API key."""


def where(
    terms: Iterable[Term],
    *,
    context: Context,
    environment_ids: Sequence[int] | None = None,
) -> Where:
    """What all of the terms ask for together.

    Only of issues that were seen in one of these environments; None is any.
    """
    conditions = [_condition(term, context) for term in terms]
    if environment_ids is not None:
        conditions.append(Condition(IN_ENVIRONMENTS, {"environments": literal(environment_ids)}))
    return combine(conditions, organization=context.organization_id)


def combine(conditions: Iterable[Condition], **shared: Any) -> Where:
    """All of the conditions, each with parameters of its own beside those that they share."""
    parameters: dict[str, Any] = shared
    parts: list[str] = []
    found: list[tuple[int, Finder]] = []
    for number, (sql, values, finder) in enumerate(conditions):
        names = {name: f"{name}_{number}" for name in values}
        parameters |= {names[name]: value for name, value in values.items()}
        places = {name: f"%({unique})s" for name, unique in names.items()}
        parts.append(sql.format(**places))
        if finder is not None:
            finder_sql, rest = finder.sql.format(**places), finder.rest.format(**places)
            found.append((number, Finder(finder_sql, rest)))
    finders = []
    for number, finder in found:
        others = [*parts[:number], *parts[number + 1 :]]
        # What is only joined by AND is asked in the order of what it seems to cost.
        in_order = f"CASE WHEN {parts[number]} THEN {_all_of(others)} END"
        finders.append(finder._replace(rest=_all_of([finder.rest, *others]), all=in_order))
    return Where(_all_of(parts), parameters, finders)


def _all_of(parts: Iterable[str]) -> str:
    return " AND ".join(parts) or "TRUE"


def _condition(term: Term, context: Context) -> Condition:
    if isinstance(term, Text):
        rest = LINES if "\n" in term.text else "TRUE"
        pattern = anywhere_in(term.text)
        return Condition(f"{TEXT} AND {rest}", {"pattern": pattern}, Finder(FIND_TEXT, rest))
    if isinstance(term, IsAssigned):
        return Condition(f"NOT {UNASSIGNED}" if term.is_assigned else UNASSIGNED, {})
    if isinstance(term, Is):
        raise TypeError("The status is asked for by itself.")
    condition = _positive(term, context)
    # What is unknown is not what is looked for.
    return condition._replace(
        sql=f"({condition.sql}) IS {'NOT ' * term.is_negated}TRUE",
        finder=None if term.is_negated else condition.finder,
    )


def _positive(term: Has | Field | Tag | Number | Moment, context: Context) -> Condition:
    match term:
        case Has():
            return _has(term.key)
        case Tag():
            return _tag(term.key, term.values)
        case Number(field="issue_id", operator="="):
            return Condition(IS_ISSUE, {"number": term.number})
        case Number():
            sql = f"{_COLUMNS[term.field]} {OPERATORS[term.operator]} {{number}}::bigint"
            return Condition(sql, {"number": term.number})
        case Moment():
            return _moment(term)
        case Field():
            return _FIELDS[term.field](term, context)


def _has(key: str) -> Condition:
    if (sql := _HAS.get(FIELDS.get(key, ""))) is not None:
        return Condition(sql, {})
    if key.startswith("user.") and (column := USER_COLUMNS.get(key.removeprefix("user."))):
        sql = _TAG.format(is_value=_USER.format(is_person=f"{column} <> ''"))
        return Condition(sql, {"key": "user"})
    return Condition(HAS_TAG, {"key": key})


def _tag(key: str, values: Sequence[str]) -> Condition:
    is_value, parameters = is_one_of("tag.value", values)
    return _tag_condition(is_value, {"key": key, **parameters})


def _tag_condition(is_value: str, values: dict[str, Any]) -> Condition:
    finder = Finder(_FIND_TAG.format(is_value=is_value))
    return Condition(_TAG.format(is_value=is_value), values, finder)


# Fields -------------------------------------------------------------------------------------------


def _column(term: Field, context: Context) -> Condition:
    return Condition(*is_one_of(_COLUMNS[term.field], term.values))


def _message(term: Field, context: Context) -> Condition:
    patterns = literal(map(anywhere_in, term.values))
    sql = "i.message ILIKE ANY({patterns}::text[])"
    # The text that is searched has the message in it.
    return Condition(sql, {"patterns": patterns}, Finder(FIND_TEXTS, rest=sql))


def _category(term: Field, context: Context) -> Condition:
    """All issues are of one category."""
    return Condition("{is_error}", {"is_error": "error" in term.values})


def _priority(term: Field, context: Context) -> Condition:
    levels = [level for level in Level if priority_of(level) in term.values]
    return Condition(HAS_LEVEL, {"levels": literal(levels)})


def _short_id(term: Field, context: Context) -> Condition:
    by_slug = {project.slug.lower(): project.pk for project in context.projects}
    named = [named for value in term.values if (named := read_short_id(value))]
    known = [(by_slug[slug], number) for slug, number in named if slug in by_slug]
    return Condition(
        SHORT_ID,
        {
            "projects": literal(project_id for project_id, _ in known),
            "numbers": literal(number for _, number in known),
        },
    )


def _project(term: Field, context: Context) -> Condition:
    is_slug, parameters = is_one_of("project.slug", term.values)
    return Condition(IN_PROJECTS.format(is_slug=is_slug), parameters)


def _people(values: Sequence[str], user_id: int | None) -> dict[str, Any]:
    names = literal(value.lower() for value in values if value not in ("me", "my_teams"))
    return {"me": user_id if "me" in values else None, "names": names}


def _assigned(term: Field, context: Context) -> Condition:
    teams = literal(value[1:] for value in term.values if value.startswith("#"))
    nobody = "none" in term.values
    people = _people(term.values, context.user_id)
    people["me_in_teams"] = context.user_id if "my_teams" in term.values else None
    return Condition(ASSIGNED_TO, {"teams": teams, "nobody": nobody, **people})


def _bookmarks(term: Field, context: Context) -> Condition:
    return Condition(BOOKMARKED_BY, _people(term.values, context.user_id))


def _subscribed(term: Field, context: Context) -> Condition:
    return Condition(SUBSCRIBED_BY, _people(term.values, context.user_id))


def _first_release(term: Field, context: Context) -> Condition:
    is_version, parameters = is_one_of("release.version", term.values)
    sql = _FIRST_RELEASE.format(is_version=is_version)
    if "latest" in term.values:
        sql = f"({sql} OR {FIRST_IS_NEWEST})"
    return Condition(sql, parameters)


def _release(term: Field, context: Context) -> Condition:
    condition = _tag("release", term.values)
    if "latest" in term.values:
        condition = Condition(f"({condition.sql} OR {RELEASE_IS_NEWEST})", condition.values)
    return condition


def _user(term: Field, context: Context) -> Condition:
    texts, named = read_users(term.values)
    is_value, parameters = is_one_of("tag.value", texts)
    for kind, names in named.items():
        is_person, more = is_one_of(USER_COLUMNS[kind], names, prefix=f"{kind}_")
        is_value += f" OR {_USER.format(is_person=is_person)}"
        parameters |= more
    return _tag_condition(is_value, {"key": "user", **parameters})


def read_users(values: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The values of the tag `user` that are meant: users by the name that events go by, `id:1`; and
    by any other name, `email:a@example.com`, their names of each kind."""
    texts: list[str] = []
    named: dict[str, list[str]] = {}
    for value in values:
        kind, separator, name = value.partition(":")
        texts.append(value)
        # Whoever has an id goes by it.
        if separator and kind in USER_COLUMNS and kind != "id":
            named.setdefault(kind, []).append(name)
        elif not separator or kind != "id":
            texts.append(f"id:{value}")
    return texts, named


def _user_name(term: Field, context: Context) -> Condition:
    name = term.field.removeprefix("user.")
    if name == "id":  # whoever has one goes by it
        return _tag("user", [f"id:{value}" for value in term.values])
    column = USER_COLUMNS[name]
    is_person, parameters = is_one_of(column, term.values)
    return _tag_condition(_USER.format(is_person=is_person), {"key": "user", **parameters})


_FIELDS: dict[str, Callable[[Field, Context], Condition]] = {
    **dict.fromkeys(_TEXTS, _column),
    "message": _message,
    "category": _category,
    "priority": _priority,
    "short_id": _short_id,
    "project": _project,
    "assigned": _assigned,
    "bookmarks": _bookmarks,
    "subscribed": _subscribed,
    "first_release": _first_release,
    "release": _release,
    "user": _user,
    **dict.fromkeys(("user.id", "user.email", "user.username", "user.ip"), _user_name),
}


# Dates --------------------------------------------------------------------------------------------


def _moment(term: Moment) -> Condition:
    if term.field != "event_timestamp":
        return within(_COLUMNS[term.field], term.bounds)
    sql, values, _ = within(EVENT_TIMESTAMP, term.bounds)
    first, last = _received(term.bounds)
    return Condition(
        _EVENT.format(is_moment=sql), {**values, "received_from": first, "received_to": last}
    )


def within(column: str, bounds: Sequence[Bound]) -> Condition:
    """The column is a moment within all of these bounds."""
    values = {f"bound{number}": bound.moment for number, bound in enumerate(bounds)}
    sql = " AND ".join(
        f"{column} {OPERATORS[bound.operator]} {{{name}}}::timestamptz"
        for name, bound in zip(values, bounds, strict=True)
    )
    return Condition(sql, values)


def _received(bounds: Sequence[Bound]) -> tuple[datetime, datetime]:
    """When events within the bounds can have been received: which partitions to look at."""
    first, last = _FIRST, _LAST
    for operator, moment in bounds:
        if operator in (">", ">=") and moment - _FIRST > CLOCKS_DIFFER:
            first = max(first, moment - CLOCKS_DIFFER)
        if operator in ("<", "<=") and _LAST - moment > LONGEST_WAY:
            last = min(last, moment + LONGEST_WAY)
    return first, last


# Texts --------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"[\\%_]")
_ESCAPED = r"\\\g<0>"
_STARS = re.compile(r"\*+")


def is_one_of(column: str, values: Sequence[str], prefix: str = "") -> tuple[str, dict[str, Any]]:
    """The column is one of these texts; where one holds `*`, whatever the letter case."""
    texts = [value for value in values if "*" not in value]
    patterns = [_pattern(value) for value in values if "*" in value]
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    if len(texts) == 1:
        parts.append(f"{column} = {{{prefix}text}}")
        parameters[f"{prefix}text"] = texts[0]
    elif texts:
        parts.append(f"{column} = ANY({{{prefix}texts}}::text[])")
        parameters[f"{prefix}texts"] = literal(texts)
    if patterns:
        parts.append(f"{column} ILIKE ANY({{{prefix}patterns}}::text[])")
        parameters[f"{prefix}patterns"] = literal(patterns)
    return " OR ".join(parts), parameters


def _pattern(value: str) -> str:
    """A text in which `*` stands for any, as LIKE takes it."""
    return "%".join(_SPECIAL.sub(_ESCAPED, part) for part in _STARS.split(value))


def anywhere_in(text: str) -> str:
    """Any text with this one in it, in which `*` stands for any, as LIKE takes it."""
    return f"%{_pattern(text)}%"


def part_of(text: str) -> str:
    """Any text with just this one in it, as LIKE takes it."""
    return f"%{_SPECIAL.sub(_ESCAPED, text)}%"
