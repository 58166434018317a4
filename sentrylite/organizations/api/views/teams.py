"""Teams: of an organization, of the caller, one with its projects."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.links import absolute_url
from sentrylite.organizations import listings, teams
from sentrylite.organizations.access import ORGANIZATION_TEAM_SCOPES, PROJECT_SCOPES
from sentrylite.organizations.actions import SlugTaken
from sentrylite.organizations.api import params, summaries
from sentrylite.organizations.api.base import OrganizationScopedView, TeamScopedView
from sentrylite.organizations.api.inputs import TeamCreateInput, TeamUpdateInput
from sentrylite.organizations.api.serializers.organizations import OrganizationSerializer
from sentrylite.organizations.api.serializers.projects import ProjectSummarySerializer
from sentrylite.organizations.api.serializers.teams import (
    TeamSerializer,
    TeamWithProjectsSerializer,
)
from sentrylite.organizations.models import Team


class OrganizationTeamListView(OrganizationScopedView):
    """List an organization's teams, make one (teams contract, sections 2 and 3)."""

    scopes = ORGANIZATION_TEAM_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = listings.teams_of(self.organization, params.search(query))
        page = params.page_of(request, found)
        answer = self.plain if query.get("detailed") == "0" else self.with_projects
        return params.answer_page(request, page, answer)

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = TeamCreateInput.read(request)
        slug = sent.get("slug") or None
        try:
            team = teams.create_team(
                self.organization,
                name=sent.get("name") or sent["slug"],
                slug=slug,
                by=self.author,
                now=timezone.now(),
            )
        except SlugTaken:
            text = "A team with this slug already exists."
            return Response({"non_field_errors": [text], "detail": text}, status=409)
        self.access = self.access.joined(team) if self.access.role else self.access
        return Response(self.plain([team])[0], status=201)

    def plain(self, found: Sequence[Team]) -> list[dict[str, Any]]:
        listings.load_member_counts(found)
        return TeamSerializer(found, many=True, context={"access": self.access}).data

    def with_projects(self, found: Sequence[Team]) -> list[dict[str, Any]]:
        summaries.load_teams(found)
        return TeamWithProjectsSerializer(found, many=True, context={"access": self.access}).data


class UserTeamListView(OrganizationScopedView):
    """The teams that the caller is in; all of them for a superuser's session (teams contract,
    section 10)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = listings.teams_of(self.organization)
        if not self.caller.is_superuser:
            found = found.filter(pk__in=self.access.team_ids)
        own = list(found)
        summaries.load_teams(own)
        context = {"access": self.access}
        return Response(TeamWithProjectsSerializer(own, many=True, context=context).data)


class TeamDetailView(TeamScopedView):
    """One team (teams contract, sections 4 to 6)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        url = absolute_url(request, "")
        organization = OrganizationSerializer(self.organization, context={"url": url}).data
        return Response({**self.answer(), "organization": organization})

    def put(self, request: Request, **kwargs: Any) -> Response:
        changes = TeamUpdateInput.read(request)
        try:
            teams.change_team(self.team, changes, by=self.author, now=timezone.now())
        except SlugTaken:
            slug = changes["slug"]
            raise ValidationError({"slug": [f'The slug "{slug}" is already in use.']}) from None
        return Response(self.answer())

    def delete(self, request: Request, **kwargs: Any) -> Response:
        teams.delete_team(self.team, by=self.author, now=timezone.now())
        return Response(status=204)

    def answer(self) -> dict[str, Any]:
        listings.load_member_counts([self.team])
        return TeamSerializer(self.team, context={"access": self.access}).data


class TeamProjectListView(TeamScopedView):
    """List a team's projects (teams contract, section 7)."""

    scopes = PROJECT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        stats = summaries.StatsParams.read(request.query_params, self.organization)
        page = params.page_of(
            request, listings.projects_of(self.organization).filter(project_teams__team=self.team)
        )
        summaries.load_summaries(page.rows)
        summaries.load_points(page.rows, stats, timezone.now())
        context = {"access": self.access}
        return params.answer_page(
            request,
            page,
            lambda rows: ProjectSummarySerializer(rows, many=True, context=context).data,
        )
