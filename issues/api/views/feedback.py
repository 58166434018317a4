"""User feedback of a project, an organization and an issue (projects contract, section 9)."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import feedback
from issues.api.base import IssueScopedView
from issues.api.inputs import UserReportInput
from issues.api.params import ReportListParams
from issues.api.serializers.feedback import IssueReportSerializer, UserReportSerializer
from issues.api.serializers.issues import issue_context
from issues.models import UserReport
from issues.payload.feedback import PreparedReport
from sentrylite.api.pagination import queryset_page
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import PROJECT_SCOPES, Access
from sentrylite.organizations.api.authentication import DsnAuthentication
from sentrylite.organizations.api.base import (
    CallerView,
    OrganizationProjectsView,
    ProjectScopedView,
)
from sentrylite.organizations.models import Project

TOO_LATE = {"detail": "Feedback for this event cannot be modified."}


class ReportListView(CallerView):
    access: Access

    def answer(
        self, request: Request, params: ReportListParams, projects: list[Project]
    ) -> Response:
        """The page that was asked for of what users said about these projects."""
        now = timezone.now()
        reports = feedback.find_reports(projects, now=now if params.is_unresolved else None)
        if params.environments:
            organization_id = self.access.organization.pk
            names = params.environments
            # Of an environment that nobody knows there are none.
            ids = organization_queries.find_environments(organization_id, names) or []
            reports = reports.filter(environment__in=ids)
        page = queryset_page(reports, "-created_at", params.cursor, params.size)
        feedback.load_reports(page.rows, projects, self.caller.user_id)
        context = issue_context(request, self.access, now)
        body = UserReportSerializer(page.rows, many=True, context=context).data
        return Response(body, headers={"Link": page.link(request)})


class ProjectReportListView(ReportListView, ProjectScopedView):
    """List a project's user feedback, submit some. That takes no more than a DSN."""

    authentication_classes = [DsnAuthentication, *ProjectScopedView.authentication_classes]
    is_addressed = True
    """Whether the path names the project of the caller's DSN."""

    def find_scope(self, **path: str) -> None:
        """Who has a DSN does not learn which other projects there are."""
        project = self.caller.project
        if project is None:
            super().find_scope(**path)
            return
        organization = project.organization
        self.access = Access(self.caller, organization)
        self.organization, self.project = organization, project
        self.is_addressed = path["organization"] in (
            organization.slug,
            str(organization.pk),
        ) and path["project"] in (project.slug, str(project.pk))

    def get(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.project is not None:
            return Response(status=401)
        return self.answer(request, ReportListParams.read(request.query_params), [self.project])

    def post(self, request: Request, **kwargs: Any) -> Response:
        if not self.is_addressed:
            return Response(status=400)
        sent = UserReportInput.read(request)
        said = PreparedReport(
            **sent, project_id=self.project.pk, organization_id=self.organization.pk
        )
        now = timezone.now()
        try:
            report_id = feedback.submit_report(said, now=now)
        except feedback.TooLate:
            return Response(TOO_LATE, status=409)
        report = UserReport.objects.get(pk=report_id)
        feedback.load_reports([report], [self.project], self.caller.user_id)
        context = issue_context(request, self.access, now)
        return Response(UserReportSerializer(report, context=context).data)


class OrganizationReportListView(ReportListView, OrganizationProjectsView):
    """List an organization's user feedback, of the caller's projects."""

    scopes = PROJECT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        params = ReportListParams.read(request.query_params)
        return self.answer(request, params, self.projects)


class IssueReportListView(IssueScopedView):
    """List an issue's user feedback (issues contract, section 11)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        params = ReportListParams.read(request.query_params, has_status=False)
        reports = UserReport.objects.filter(issue=self.issue)
        if params.environments:
            ids = organization_queries.find_environments(
                self.project.organization_id, params.environments
            )
            reports = reports.filter(environment__in=ids or [])
        page = queryset_page(reports, "-created_at", params.cursor, params.size)
        feedback.load_people(page.rows)
        body = IssueReportSerializer(page.rows, many=True).data
        return Response(body, headers={"Link": page.link(request)})
