"""Whose rows are whose, for people who are signed in: what the back office shows to whom.

Superusers reach everything. Others reach what their roles and teams let them, by the scopes that
the API asks for (conventions contract, sections 5 and 6). One statement finds somebody's
organizations and one the projects within reach, once for each request that needs them.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.db.models import Model, Q, QuerySet

from sentrylite.accounts.models import User

from . import queries
from .access import (
    ALL_SCOPES,
    MEMBERSHIP_SCOPES,
    ORGANIZATION_TEAM_SCOPES,
    RANKS,
    TEAM_SCOPES,
    Access,
    Caller,
    MethodScopes,
    Scopes,
)
from .models import OrganizationMember, Role
from .models.organization import Status

METHODS = {"view": "GET", "add": "POST", "change": "PUT", "delete": "DELETE"}
"""Django's rights as methods of the API."""

NO_TEAMS: frozenset[int] = frozenset()


class Rights:
    """What one person may do, by organization. Of one that is deleted only its owners know."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.known: dict[tuple[type[Model], Any, str], bool] = {}
        """What was asked about rows before: a page asks the same several times."""

    @cached_property
    def accesses(self) -> Mapping[int, Access]:
        if not self.user.is_authenticated:
            return {}
        caller = Caller(ALL_SCOPES, self.user, is_session=True)
        return {
            access.organization.pk: access
            for access in queries.find_accesses(caller)
            if access.organization.status == Status.ACTIVE or access.role == Role.OWNER
        }

    @cached_property
    def _reached(self) -> Mapping[int, int]:
        return queries.find_reached_projects(self.accesses)

    def organizations(self, scopes: Scopes) -> set[int]:
        return {pk for pk, access in self.accesses.items() if access.allows(scopes)}

    def whole_organizations(self, scopes: Scopes) -> set[int]:
        """Those in which what is of no team is within reach too."""
        allowed = self.organizations(scopes)
        return {pk for pk in allowed if self.accesses[pk].reaches_project(NO_TEAMS)}

    def projects(self, scopes: Scopes) -> set[int]:
        allowed = self.organizations(scopes)
        return {pk for pk, organization in self._reached.items() if organization in allowed}


def rights_of(user: User) -> Rights:
    """The rights of a request's user, looked up once."""
    found = getattr(user, "rights", None)
    if found is None:
        found = user.rights = Rights(user)  # type: ignore[attr-defined]
    return found


class Tenancy:
    """Rows that belong to organizations. `scopes` are those of the API by method: what they lack,
    and what takes no scope at all, is for superusers."""

    def __init__(self, scopes: MethodScopes) -> None:
        self._scopes = scopes

    def rows(self, user: Any, rows: QuerySet[Any], right: str = "view") -> QuerySet[Any]:
        """Those of the rows to which the user has the right."""
        if user.is_superuser:
            return rows
        return rows.filter(self.condition(rights_of(user), self._asked(right), right))

    def allows(self, user: Any, right: str, row: Model | None = None) -> bool:
        """Whether the user has the right to this row, or without one, to any there might be."""
        if user.is_superuser:
            return True
        rights = rights_of(user)
        if row is None or row.pk is None:
            return bool(self.places(rights, self._asked(right), right))
        key = (type(row), row.pk, right)
        if key not in rights.known:
            stored = type(row)._base_manager.filter(pk=row.pk)
            rights.known[key] = self.rows(user, stored, right).exists()
        return rights.known[key]

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        """What is so of the rows to which somebody has a right that takes one of the scopes."""
        raise NotImplementedError

    def places(self, rights: Rights, scopes: Scopes, right: str) -> set[int]:
        """The organizations in which there might be such rows."""
        return rights.organizations(scopes)

    def _asked(self, right: str) -> Scopes:
        return self._scopes.get(METHODS[right], frozenset())


class OfOrganization(Tenancy):
    """Of an organization, whatever the teams."""

    def __init__(self, scopes: MethodScopes, path: str = "organization") -> None:
        super().__init__(scopes)
        self._path = path

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        return Q(**{f"{self._path}__in": rights.organizations(scopes)})


class OfProject(Tenancy):
    """Of a project: for those who reach one of its teams."""

    def __init__(self, scopes: MethodScopes, path: str = "project") -> None:
        super().__init__(scopes)
        self._path = path

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        return Q(**{f"{self._path}__in": rights.projects(scopes)})


class Projects(OfProject):
    """Projects themselves. A new one has no team: who makes it has to reach it even so."""

    def __init__(self, scopes: MethodScopes) -> None:
        super().__init__(scopes, "pk")

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        if right == "add":
            return Q(organization__in=rights.whole_organizations(scopes))
        return super().condition(rights, scopes, right)

    def places(self, rights: Rights, scopes: Scopes, right: str) -> set[int]:
        return (rights.whole_organizations if right == "add" else rights.organizations)(scopes)


class OfProjects(Tenancy):
    """Of an organization and some of its projects, as environments and releases are: for those who
    reach one of them. A new one has none."""

    def __init__(self, scopes: MethodScopes, through: type[Model], name: str) -> None:
        super().__init__(scopes)
        self._through, self._name = through, name

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        links = self._through._default_manager.filter(project__in=rights.projects(scopes))
        whole = Q(organization__in=rights.whole_organizations(scopes))
        return whole | Q(pk__in=links.values(self._name))

    def places(self, rights: Rights, scopes: Scopes, right: str) -> set[int]:
        return (rights.whole_organizations if right == "add" else rights.organizations)(scopes)


class Teams(Tenancy):
    """Teams: all of them for those who reach every team, else those that somebody is in."""

    def __init__(self) -> None:
        super().__init__({**TEAM_SCOPES, "POST": ORGANIZATION_TEAM_SCOPES["POST"]})

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        allowed = [rights.accesses[pk] for pk in rights.organizations(scopes)]
        own = {pk for access in allowed for pk in access.team_ids}
        return Q(organization__in=self._open(rights, scopes)) | Q(pk__in=own)

    def places(self, rights: Rights, scopes: Scopes, right: str) -> set[int]:
        return self._open(rights, scopes) if right == "add" else rights.organizations(scopes)

    @staticmethod
    def _open(rights: Rights, scopes: Scopes) -> set[int]:
        allowed = rights.organizations(scopes)
        return {pk for pk in allowed if rights.accesses[pk].reaches_every_team}


class Members(OfOrganization):
    """Members: nobody gives a role above their own, or touches who has it."""

    def __init__(self) -> None:
        super().__init__({**MEMBERSHIP_SCOPES, "DELETE": frozenset({"member:admin"})})

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        found = super().condition(rights, scopes, right)
        if right == "view":
            return found
        beyond = Q(pk__in=())
        for pk in rights.organizations(scopes):
            roles = [role for role in RANKS if not rights.accesses[pk].manages(role)]
            beyond |= Q(organization=pk, role__in=roles)
        return found & ~beyond


class Colleagues(Tenancy):
    """People: seen by those who see the members of one of their organizations, and by themselves.
    They may be members elsewhere, so only superusers change them."""

    def __init__(self) -> None:
        super().__init__({"GET": MEMBERSHIP_SCOPES["GET"]})

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        if not scopes:
            return Q(pk__in=())
        members = OrganizationMember.objects.filter(organization__in=rights.organizations(scopes))
        return Q(pk=rights.user.pk) | Q(pk__in=members.values("user"))


class Own(Tenancy):
    """What is of one person (`user`) and nobody else's."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(METHODS.values(), ALL_SCOPES))

    def condition(self, rights: Rights, scopes: Scopes, right: str) -> Q:
        return Q(user=rights.user)
