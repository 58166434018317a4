"""Lists of organizations, teams and projects, and what their answers need beside the rows.

The `load_…` functions fill in all rows of a page at once and return nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from sentrylite.accounts.models import User

from . import terms
from .access import Access, Caller
from .models import (
    Environment,
    EnvironmentProject,
    Organization,
    OrganizationMember,
    Project,
    ProjectPlatform,
    ProjectPreference,
    ProjectTeam,
    Role,
    Team,
    TeamMembership,
)
from .models.organization import Status

ORGANIZATION_KEYS = ("slug", "email", "platform", "id", "status", "member_id")
INDEX_KEYS = ("slug", "name", "platform", "id")
PROJECT_KEYS = ("id", "slug", "team", "!team", "is_member")
ORGANIZATION_SORTS = ("members", "projects")


def _is_named(words: str) -> Q:
    """The words are in the name or in the slug."""
    return Q(name__icontains=words) | Q(slug__icontains=words)


def _is_of_platform(platforms: Collection[str]) -> Q:
    """A project says that it is of one of these platforms, or its events do."""
    seen = ProjectPlatform.objects.filter(project=OuterRef("pk"), platform__in=platforms)
    return Q(platform__in=platforms) | Q(Exists(seen))


# Organizations ------------------------------------------------------------------------------------


def organizations_of(caller: Caller, *, everything: bool = False) -> QuerySet[Organization]:
    """Those the caller is a member of, or that an API key belongs to; those that are being
    deleted too. A superuser's session may ask for everything."""
    if everything and caller.is_superuser:
        return Organization.objects.all()
    if caller.organization_id is not None:
        return Organization.objects.filter(pk=caller.organization_id)
    return Organization.objects.filter(Exists(_members(user=caller.user)))


def search_organizations(found: QuerySet[Organization], text: str) -> QuerySet[Organization]:
    """Those that a search asks for (organizations contract, section 2)."""
    wanted = terms.read_terms(text, ORGANIZATION_KEYS)
    if wanted is None:
        return found.none()
    for key, values in wanted.items():
        if key == terms.TEXT:
            found = found.filter(_is_named(values[0]) | Exists(_members_with_email(values)))
        elif key == "email":
            found = found.filter(Exists(_members_with_email(values)))
        elif key == "platform":
            projects = Project.objects.filter(_is_of_platform(values), organization=OuterRef("pk"))
            found = found.filter(Exists(projects))
        elif key == "member_id":
            found = found.filter(Exists(_members(pk__in=terms.ids(values))))
        elif key == "id":
            found = found.filter(pk__in=terms.ids(values))
        else:
            found = found.filter(**{f"{key}__in": values})
    return found


def _members(**lookups: object) -> QuerySet[OrganizationMember]:
    return OrganizationMember.objects.filter(organization=OuterRef("pk"), **lookups)


def _members_with_email(emails: Collection[str]) -> QuerySet[OrganizationMember]:
    lower = [email.lower() for email in emails]
    return (
        _members()
        .annotate(own=Lower("email"), users=Lower("user__email"))
        .filter(Q(own__in=lower) | Q(users__in=lower))
    )


def sort_organizations(found: QuerySet[Organization], sort: str) -> QuerySet[Organization]:
    """Those with the most members, or with the most active projects, first."""
    only = Q(projects__status=Status.ACTIVE) if sort == "projects" else None
    total = Count(sort, filter=only, distinct=True)
    return found.annotate(total=total).order_by("-total", "slug")


def owned_organizations(user: User) -> list[tuple[Organization, bool]]:
    """The active organizations a person owns, by name, and whether he is the only owner.

    One statement."""
    owners = Q(members__role=Role.OWNER, members__user__is_active=True)
    found = (
        Organization.objects.active()
        .filter(Exists(_members(user=user, role=Role.OWNER)))
        .annotate(owner_count=Count("members", filter=owners))
        .order_by("name", "slug")
    )
    return [(organization, organization.owner_count == 1) for organization in found]


# Teams --------------------------------------------------------------------------------------------


def teams_of(organization: Organization, text: str = "") -> QuerySet[Team]:
    """The active teams, by slug, whose name or slug has this text in it."""
    found = Team.objects.filter(organization=organization, status=Status.ACTIVE).order_by("slug")
    wanted = terms.read_terms(text, ())
    if wanted is None:
        return found.none()
    for (words,) in wanted.values():
        found = found.filter(_is_named(words))
    return found


def load_member_counts(teams: Sequence[Team]) -> None:
    """`member_count`: how many people are in each team. One statement."""
    memberships = TeamMembership.objects.filter(team__in=teams, member__user__is_active=True)
    counts = dict(memberships.order_by().values_list("team").annotate(total=Count("pk")))
    for team in teams:
        team.member_count = counts.get(team.pk, 0)


def load_projects_of_teams(teams: Sequence[Team]) -> list[Project]:
    """`project_list`: the active projects of each team, by name; returns them all, each once.

    A project of two teams is one object. Two statements.
    """
    links = ProjectTeam.objects.filter(team__in=teams).values_list("team_id", "project_id")
    by_team: dict[int, set[int]] = defaultdict(set)
    for team_id, project_id in links:
        by_team[team_id].add(project_id)
    wanted = set().union(*by_team.values())
    projects = list(
        Project.objects.filter(pk__in=wanted, status=Status.ACTIVE).order_by("name", "slug")
    )
    for team in teams:
        team.project_list = [project for project in projects if project.pk in by_team[team.pk]]
    return projects


# Projects -----------------------------------------------------------------------------------------


def projects_of(organization: Organization) -> QuerySet[Project]:
    """The active projects, by slug."""
    return Project.objects.filter(organization=organization, status=Status.ACTIVE).order_by("slug")


def search_projects(found: QuerySet[Project], text: str, access: Access) -> QuerySet[Project]:
    """Those that a search asks for (organizations contract, section 7)."""
    wanted = terms.read_terms(text, PROJECT_KEYS)
    if wanted is None:
        return found.none()
    for key, values in wanted.items():
        if key == terms.TEXT:
            found = found.filter(_is_named(values[0]))
        elif key == "id":
            found = found.filter(pk__in=terms.ids(values))
        elif key == "slug":
            found = found.filter(slug__in=values)
        elif key == "is_member":
            found = found.filter(Exists(_teams(team__in=access.team_ids)))
        else:
            of_teams = Exists(_teams(team__slug__in=values, team__status=Status.ACTIVE))
            found = found.filter(~of_teams if key == "!team" else of_teams)
    return found


def projects_of_caller(
    caller: Caller, status: str = "active", *, everything: bool = False
) -> QuerySet[Project]:
    """The projects of the caller's own teams, or of an API key's organization; a superuser's
    session may ask for everything. `status` is `active`, or `deleted`; there are no others."""
    found = Project.objects.filter(organization__status=Status.ACTIVE)
    if status == "active":
        found = found.filter(status=Status.ACTIVE)
    elif status == "deleted":
        found = found.exclude(status=Status.ACTIVE)
    else:
        return found.none()
    if everything and caller.is_superuser:
        return found
    if caller.organization_id is not None:
        return found.filter(organization=caller.organization_id)
    of_teams = _teams(team__status=Status.ACTIVE, team__memberships__member__user=caller.user)
    return found.filter(Exists(of_teams))


def search_index(found: QuerySet[Project], text: str) -> QuerySet[Project]:
    """Those that a search among all projects asks for (projects contract, section 2)."""
    wanted = terms.read_terms(text, INDEX_KEYS)
    if wanted is None:
        return found.none()
    for key, values in wanted.items():
        if key == terms.TEXT:
            found = found.filter(_is_named(values[0]))
        elif key == "platform":
            found = found.filter(_is_of_platform(values))
        elif key == "id":
            found = found.filter(pk__in=terms.ids(values))
        else:
            found = found.filter(**{f"{key}__in": values})
    return found


def accesses(caller: Caller, organizations: Iterable[Organization]) -> dict[int, Access]:
    """The caller's access to each of these organizations, by their ids. One statement."""
    by_id = {organization.pk: organization for organization in organizations}
    found = {pk: Access(caller, organization) for pk, organization in by_id.items()}
    if caller.user is None:
        return found
    memberships = OrganizationMember.objects.filter(user=caller.user, organization__in=by_id)
    rows = memberships.annotate(in_teams=ArrayAgg("team_memberships__team", default=[]))
    for pk, role, in_teams in rows.values_list("organization_id", "role", "in_teams"):
        found[pk] = Access(caller, by_id[pk], Role(role), frozenset(in_teams) - {None})
    return found


def load_bookmarks(projects: Collection[Project], caller: Caller) -> None:
    """`is_bookmarked`: by the caller. One statement, none for an API key."""
    marked: set[int] = set()
    if caller.user is not None:
        preferences = ProjectPreference.objects.filter(
            user=caller.user, project__in=projects, is_bookmarked=True
        )
        marked = set(preferences.values_list("project_id", flat=True))
    for project in projects:
        project.is_bookmarked = project.pk in marked


def _teams(**lookups: object) -> QuerySet[ProjectTeam]:
    return ProjectTeam.objects.filter(project=OuterRef("pk"), **lookups)


def load_teams_of_projects(projects: Iterable[Project]) -> None:
    """`team_list`: the active teams of each project, by slug. One statement."""
    by_project: dict[int, list[Team]] = defaultdict(list)
    links = (
        ProjectTeam.objects.filter(
            project__in=[project.pk for project in projects], team__status=Status.ACTIVE
        )
        .select_related("team")
        .order_by("team__slug")
    )
    for link in links:
        by_project[link.project_id].append(link.team)
    for project in projects:
        project.team_list = by_project[project.pk]


def load_environments_of_projects(projects: Iterable[Project]) -> None:
    """`environment_names`: where each project's events were seen, by name. One statement."""
    names: dict[int, list[str]] = defaultdict(list)
    links = (
        EnvironmentProject.objects.filter(
            project__in=[project.pk for project in projects], is_hidden=False
        )
        .exclude(environment__name="")
        .order_by("environment__name")
    )
    for project_id, name in links.values_list("project_id", "environment__name"):
        names[project_id].append(name)
    for project in projects:
        project.environment_names = names[project.pk]


def load_platforms_of_projects(projects: Iterable[Project]) -> None:
    """`seen_platforms` of each project. One statement."""
    seen = platforms_of(project.pk for project in projects)
    for project in projects:
        project.seen_platforms = seen[project.pk]


def platforms_of(project_ids: Iterable[int]) -> dict[int, list[str]]:
    """What each of these projects has events of, by name. One statement."""
    seen: dict[int, list[str]] = {pk: [] for pk in project_ids}
    rows = ProjectPlatform.objects.filter(project__in=seen).order_by("platform")
    for project_id, platform in rows.values_list("project_id", "platform"):
        seen[project_id].append(platform)
    return seen


def find_environment(organization: Organization, name: str) -> Environment | None:
    return Environment.objects.filter(organization=organization, name=name).first()


def has_first_event(organization: Organization, project_ids: Collection[int] | None) -> bool:
    """Whether one of these projects, or any, ever had an event. One statement."""
    found = projects_of(organization).filter(first_event_at__isnull=False)
    if project_ids is not None:
        found = found.filter(pk__in=project_ids)
    return found.exists()


def own_project_ids(access: Access) -> set[int]:
    """The active projects of the caller's own teams; all for who reaches the organization as a
    whole. One statement."""
    found = projects_of(access.organization).order_by()
    if not access.is_whole:
        found = found.filter(Exists(_teams(team__in=access.team_ids)))
    return set(found.values_list("pk", flat=True))
