"""Organizations: those of the caller, one with its settings, its projects."""

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params as api_params
from sentrylite.api.links import absolute_url
from sentrylite.api.pagination import Cursor, Page, queryset_page
from sentrylite.organizations import actions, listings
from sentrylite.organizations.access import ORGANIZATION_SCOPES
from sentrylite.organizations.api import params, summaries
from sentrylite.organizations.api.base import CallerView, OrganizationScopedView
from sentrylite.organizations.api.inputs import OrganizationCreateInput, OrganizationUpdateInput
from sentrylite.organizations.api.serializers.organizations import (
    OrganizationDetailSerializer,
    OrganizationSerializer,
)
from sentrylite.organizations.api.serializers.projects import ProjectSummarySerializer
from sentrylite.organizations.api.serializers.teams import TeamSerializer
from sentrylite.organizations.models import Organization


class OrganizationListView(CallerView):
    """List the caller's organizations, make one (organizations contract, sections 2 and 3)."""

    scopes = ORGANIZATION_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        if params.is_on(query, "owner"):
            return Response(self.owned())
        found = listings.organizations_of(self.caller, everything=query.get("show") == "all")
        found = listings.search_organizations(found, params.search(query))
        page: Page[Organization]
        if query.get("sortBy"):
            sort = api_params.choice(query, "sortBy", listings.ORGANIZATION_SORTS, default="")
            page = params.page_of(request, listings.sort_organizations(found, sort))
        else:
            size = params.page_size(query)
            page = queryset_page(found, "-created_at", Cursor.read(query), size)
        return params.answer_page(request, page, lambda rows: [self.answer(row) for row in rows])

    def post(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            raise AuthenticationFailed("This endpoint requires user info")
        sent = OrganizationCreateInput.read(request)
        try:
            organization = actions.create_organization(
                self.caller.user,
                name=sent["name"],
                slug=sent.get("slug"),
                with_team=sent.get("defaultTeam", False),
                by=self.author,
                now=timezone.now(),
            )
        except actions.SlugTaken:
            return Response(
                {"detail": "An organization with this slug already exists."}, status=409
            )
        except actions.TooManyOrganizations:
            return Response(
                {"detail": "You are attempting to create too many organizations too quickly."},
                status=429,
            )
        return Response(self.answer(organization), status=201)

    def owned(self) -> list[dict[str, Any]]:
        if self.caller.user is None:
            return []
        return [
            {"organization": self.answer(organization), "singleOwner": is_single}
            for organization, is_single in listings.owned_organizations(self.caller.user)
        ]

    def answer(self, organization: Organization) -> dict[str, Any]:
        context = {"url": absolute_url(self.request, "")}
        return OrganizationSerializer(organization, context=context).data


class OrganizationDetailView(OrganizationScopedView):
    """One organization with its settings, teams and projects (organizations contract, sections 4
    to 6)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.answer(detailed=request.query_params.get("detailed") != "0"))

    def put(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        may_administer = self.access.allows(frozenset({"org:admin"}))
        sent = OrganizationUpdateInput.read(request, may_administer=may_administer)
        try:
            actions.change_organization(self.organization, sent["columns"], by=self.author, now=now)
        except actions.SlugTaken:
            slug = sent["columns"]["slug"]
            raise ValidationError({"slug": [f'The slug "{slug}" is already in use.']}) from None
        if sent.get("cancelDeletion"):
            actions.restore_organization(self.organization, by=self.author, now=now)
        return Response(self.answer())

    def delete(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            raise AuthenticationFailed("This request requires an authenticated user.")
        actions.delete_organization(
            self.organization,
            by=self.author,
            url=absolute_url(request, ""),
            now=timezone.now(),
        )
        return Response(self.answer(), status=202)

    def answer(self, *, detailed: bool = True) -> dict[str, Any]:
        context = {"access": self.access, "url": absolute_url(self.request, "")}
        answer = OrganizationDetailSerializer(self.organization, context=context).data
        if detailed:
            teams = list(listings.teams_of(self.organization))
            projects = list(listings.projects_of(self.organization))
            listings.load_member_counts(teams)
            summaries.load_summaries(projects)
            answer["teams"] = TeamSerializer(teams, many=True, context=context).data
            answer["projects"] = ProjectSummarySerializer(projects, many=True, context=context).data
        return answer


class OrganizationProjectListView(OrganizationScopedView):
    """List an organization's projects, whoever looks after them (organizations contract, section
    7)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query, now = request.query_params, timezone.now()
        stats = summaries.StatsParams.read(query, self.organization)
        found = listings.projects_of(self.organization)
        found = listings.search_projects(found, params.search(query), self.access)
        if params.is_on(query, "all_projects"):
            page = None
            projects = list(found)
        else:
            page = params.page_of(request, found)
            projects = list(page.rows)
        summaries.load_summaries(projects)
        summaries.load_points(projects, stats, now)
        context = {"access": self.access}
        body = ProjectSummarySerializer(projects, many=True, context=context).data
        return Response(body, headers={"Link": page.link(request)} if page else {})


class SentFirstEventView(OrganizationScopedView):
    """Whether any project ever had an event (organizations contract, section 14)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        chosen = params.read_projects(request.query_params, self.access)
        if "is_member" in request.query_params:
            own = listings.own_project_ids(self.access)
            chosen = own if chosen is None else chosen & own
        return Response({"sentFirstEvent": listings.has_first_event(self.organization, chosen)})
