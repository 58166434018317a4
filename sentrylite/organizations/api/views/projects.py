"""Projects: those of the caller, one with its settings, the teams that look after one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from issues import ownership
from sentrylite.api.links import absolute_url
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.organizations import listings, projects, queries
from sentrylite.organizations.access import PROJECT_MARK_SCOPES, PROJECT_SCOPES
from sentrylite.organizations.actions import SlugTaken
from sentrylite.organizations.api import params, summaries
from sentrylite.organizations.api.base import CallerView, ProjectScopedView
from sentrylite.organizations.api.project_inputs import (
    ADMIN_FIELDS,
    NO_TEAM,
    ProjectMarksInput,
    ProjectUpdateInput,
)
from sentrylite.organizations.api.serializers.projects import (
    ProjectDetailSerializer,
    ProjectWithOrganizationSerializer,
    ProjectWithTeamsSerializer,
)
from sentrylite.organizations.api.serializers.teams import TeamSerializer
from sentrylite.organizations.models import Project, Team
from sentrylite.releases import queries as release_queries


class ProjectListView(CallerView):
    """List the caller's projects, the newest first (projects contract, section 2)."""

    scopes = PROJECT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = listings.projects_of_caller(
            self.caller,
            query.get("status") or "active",
            everything=query.get("show") == "all",
        )
        found = listings.search_index(found, params.search(query)).select_related("organization")
        page = queryset_page(found, "-created_at", Cursor.read(query), params.page_size(query))
        return params.answer_page(request, page, self.answer)

    def answer(self, found: Sequence[Project]) -> list[dict[str, Any]]:
        summaries.load_basics(found, self.caller)
        organizations = [project.organization for project in found]
        context = {
            "accesses": listings.accesses(self.caller, organizations),
            "url": absolute_url(self.request, ""),
        }
        return ProjectWithOrganizationSerializer(found, many=True, context=context).data


class ProjectDetailView(ProjectScopedView):
    """One project with its settings (projects contract, sections 3 to 5)."""

    scopes = PROJECT_MARK_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        answer = self.answer()
        if "stats" in request.query_params.getlist("include"):
            unresolved = summaries.count_unresolved(self.project, timezone.now())
            answer["stats"] = {"unresolved": unresolved}
        return Response(answer)

    def put(self, request: Request, **kwargs: Any) -> Response:
        may_write = self.access.allows(PROJECT_SCOPES["PUT"])
        sent = set(request.data) if isinstance(request.data, Mapping) else set()
        if not may_write and not ADMIN_FIELDS.isdisjoint(sent):
            raise PermissionDenied
        if "team" in sent:
            raise ValidationError({"detail": NO_TEAM})
        marks = ProjectMarksInput.read(request)
        if may_write:
            self.change(request)
        if marks and self.caller.user is not None:
            projects.set_preferences(self.project, self.caller.user, **marks)
        return Response(self.answer())

    @transaction.atomic
    def change(self, request: Request) -> None:
        now = timezone.now()
        sent = ProjectUpdateInput.read(request, settings=projects.settings_of(self.project))
        source = self.find_source(sent.get("copy_from_project"))
        columns = sent["columns"]
        try:
            projects.change_project(
                self.project, columns, sent["settings"], by=self.author, now=now
            )
        except SlugTaken:
            name = projects.name_of(self.organization, columns["slug"])
            text = f"Another project ({name}) is already using that slug"
            raise ValidationError({"slug": [text]}) from None
        if source is not None:
            projects.copy_settings(self.project, source, by=self.author, now=now)
            ownership.copy_ownership(self.project, source, now=now)

    def find_source(self, project_id: int | None) -> Project | None:
        """The project to copy the settings of, if there is to be one. Raises ValidationError."""
        if project_id is None:
            return None
        found = queries.find_projects(self.access, [project_id])
        if not found:
            text = "Project to copy settings from not found."
        elif not all(map(self.access.reaches_team, found[0].teams.all())):
            text = (
                "Project settings cannot be copied from a project with a team you do not have "
                "write access to."
            )
        else:
            return found[0]
        raise ValidationError({"copy_from_project": [text]})

    def delete(self, request: Request, **kwargs: Any) -> Response:
        projects.delete_project(self.project, by=self.author, now=timezone.now())
        return Response(status=204)

    def answer(self) -> dict[str, Any]:
        project = self.project
        listings.load_teams_of_projects([project])
        listings.load_bookmarks([project], self.caller)
        listings.load_platforms_of_projects([project])
        release = release_queries.newest_release_of(project)
        if release is not None:
            release = release_queries.load_releases([release.pk])[release.pk]
        project.latest_version = release.version if release else None
        context = {
            "access": self.access,
            "latest_release": release,
            "settings": projects.settings_of(project),
            "url": absolute_url(self.request, ""),
            "user": self.caller.user,
        }
        return ProjectDetailSerializer(project, context=context).data


class ProjectTeamListView(ProjectScopedView):
    """The teams that look after a project, by slug (projects contract, section 13)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = listings.teams_of(self.organization).filter(project_teams__project=self.project)
        return params.answer_page(request, params.page_of(request, found), self.answer)

    def answer(self, found: Sequence[Team]) -> list[dict[str, Any]]:
        listings.load_member_counts(found)
        return TeamSerializer(found, many=True, context={"access": self.access}).data


class ProjectTeamView(ProjectScopedView):
    """Give a team access to a project, or take it away."""

    scopes = {**PROJECT_SCOPES, "DELETE": PROJECT_SCOPES["POST"]}

    def post(self, request: Request, **kwargs: Any) -> Response:
        team = self.find_team(kwargs["team"])
        projects.add_team(self.project, team, by=self.author, now=timezone.now())
        return Response(self.answer(), status=201)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        team = self.find_team(kwargs["team"])
        projects.remove_team(self.project, team, by=self.author, now=timezone.now())
        return Response(self.answer())

    def find_team(self, address: str) -> Team:
        team = queries.find_team(self.organization, address)
        if team is None:
            raise Http404
        if not self.access.reaches_team(team):
            raise PermissionDenied
        return team

    def answer(self) -> dict[str, Any]:
        summaries.load_basics([self.project], self.caller)
        return ProjectWithTeamsSerializer(self.project, context={"access": self.access}).data
