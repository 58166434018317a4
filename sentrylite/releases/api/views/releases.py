"""Releases of an organization and of a project (releases contract, sections 2 to 5)."""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from issues import environments
from issues import releases as issue_releases
from sentrylite.organizations import listings
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import RELEASE_SCOPES
from sentrylite.organizations.api.base import (
    CallerView,
    OrganizationProjectsView,
    ProjectScopedView,
)
from sentrylite.organizations.api.params import answer_page, page_of, read_projects
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases import actions, commits, health, queries, uploads
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.health_params import HealthParams
from sentrylite.releases.api.inputs import ReleaseCreateInput, ReleaseUpdateInput
from sentrylite.releases.api.params import (
    ReleaseListParams,
    is_flat,
    read_environments,
    read_sort,
)
from sentrylite.releases.api.serializers.health import ReleaseHealthSerializer
from sentrylite.releases.api.serializers.releases import version_info
from sentrylite.releases.api.views.health import health_context
from sentrylite.releases.health import Scope
from sentrylite.releases.models import Release

IN_USE = "This release is referenced by active issues and cannot be removed."


class ReleaseAnswers(CallerView):
    """How releases are answered."""

    organization: Organization

    @property
    def reached(self) -> Sequence[Project]:
        """The projects that are meant and that the caller reaches."""
        return self.projects  # type: ignore[attr-defined]

    def answer(
        self, ids: Sequence[int], project_ids: Iterable[int] | None = None
    ) -> list[dict[str, Any]]:
        """The releases with these ids in this order, with the numbers of these projects or of
        all."""
        counted = None if project_ids is None else list(project_ids)
        found = queries.load_releases(ids, counted)
        return self.serialize([found[pk] for pk in ids if pk in found])

    def answer_flat(self, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """A release for each of the places (project_id, release_id), in this one project only."""
        ids = list({release_id for _, release_id in places})
        found = queries.load_releases(ids, [project.pk for project in self.reached])
        releases = []
        for project_id, release_id in places:
            if release_id in found:
                release = copy(found[release_id])
                release.shipped_in = [
                    shipped for shipped in release.shipped_in if shipped.id == project_id
                ]
                releases.append(release)
        return self.serialize(releases)

    def list_flat(self, request: Request, found: QuerySet[Release, int]) -> Response:
        """The releases with these ids once for each of their projects, by date or by their
        health."""
        sort = read_sort(request.query_params)
        places: Any = queries.places_of(found, self.reached)
        if sort != "date":
            ranked = health.ranked(
                Scope(
                    [project.pk for project in self.reached],
                    environment_ids=read_environments(request.query_params, self.organization),
                ),
                sort,
                HealthParams.read(request.query_params).summary,
                timezone.now().timestamp(),
            )
            known = set(places.filter(release__in={release_id for _, release_id in ranked}))
            places = [place for place in ranked if place in known]
        return answer_page(request, page_of(request, places), self.answer_flat)

    def serialize(self, releases: Sequence[Release]) -> list[dict[str, Any]]:
        context = {
            "user": self.caller.user,
            "platforms": platforms_in(releases),
            **health_context(self.request, self.organization, self.reached, releases),
        }
        return ReleaseHealthSerializer(releases, many=True, context=context).data


class OrganizationReleaseListView(ReleaseAnswers, OrganizationProjectsView):
    """List the releases of an organization, the newest first; make one."""

    scopes = RELEASE_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = find_releases(request, self.organization, self.projects)
        if is_flat(request.query_params):
            return self.list_flat(request, found)
        counted = [project.pk for project in self.projects] if "project" in request.GET else None
        return answer_page(request, page_of(request, found), lambda ids: self.answer(ids, counted))

    def post(self, request: Request, **kwargs: Any) -> Response:
        HealthParams.read(request.query_params)  # refused before anything is changed
        sent = ReleaseCreateInput.read(request, access=self.access)
        if not sent["projects"]:
            self.check_known(sent)
        made = actions.make_release(
            self.organization,
            sent["version"],
            sent["projects"],
            sent["columns"],
            now=timezone.now(),
        )
        fill(made, sent, now=timezone.now())
        return Response(self.answer([made.release.pk])[0], status=201 if made.is_news else 208)

    def check_known(self, sent: dict[str, Any]) -> None:
        """Without projects, only a release that there is can be told something, by who reaches it;
        or one without any projects is meant."""
        known = queries.find_release(self.organization, sent["version"])
        if known is None and not sent["has_projects"]:
            raise ValidationError({"projects": ["This field is required."]})
        ids = known[1] if known else []
        if ids and not organization_queries.find_projects(self.access, ids):
            raise PermissionDenied


class ProjectReleaseListView(ReleaseAnswers, ProjectScopedView):
    """List the releases of a project, the newest first; make one."""

    scopes = RELEASE_SCOPES

    @property
    def reached(self) -> Sequence[Project]:
        return [self.project]

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = find_releases(request, self.organization, [self.project])
        if is_flat(request.query_params):
            return self.list_flat(request, found)
        return answer_page(
            request, page_of(request, found), lambda ids: self.answer(ids, [self.project.pk])
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        HealthParams.read(request.query_params)  # refused before anything is changed
        sent = ReleaseCreateInput.read(request, access=self.access)
        made = actions.make_release(
            self.organization,
            sent["version"],
            {self.project, *sent["projects"]},
            sent["columns"],
            now=timezone.now(),
        )
        fill(made, sent, now=timezone.now())
        answer = self.answer([made.release.pk], [self.project.pk])[0]
        return Response(answer, status=201 if made.is_news else 208)


class ReleaseDetailView(ReleaseAnswers, ReleaseScopedView):
    """One release."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        counted: Iterable[int] | None = self.counted_ids
        if counted is None:
            counted = read_projects(request.query_params, self.access)
        return Response(self.answer([self.release.pk], counted)[0])

    def put(self, request: Request, **kwargs: Any) -> Response:
        HealthParams.read(request.query_params)  # refused before anything is changed
        sent = ReleaseUpdateInput.read(request, access=self.access)
        actions.change_release(self.release, sent["columns"])
        is_news = actions.link_projects(self.release, sent["projects"])
        fill(actions.Made(self.release, is_news), sent, now=timezone.now())
        return Response(self.answer([self.release.pk], self.counted_ids)[0])

    def delete(self, request: Request, **kwargs: Any) -> Response:
        try:
            issue_releases.delete_release(self.release)
        except issue_releases.InUse as error:
            raise ValidationError({"detail": IN_USE}) from error
        return Response(status=204)


class PreviousReleaseView(ReleaseAnswers, ReleaseScopedView):
    """The release before this one that lists commits; `{}` when there is none (clients contract,
    section 6)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = queries.previous_with_commits(self.release, self.projects)
        return Response({} if found is None else self.answer([found], self.counted_ids)[0])


class ReleaseMetaView(ReleaseScopedView):
    """What a release comes to, in numbers (releases contract, section 11)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        release = queries.load_releases([self.release.pk])[self.release.pk]
        new_issues = queries.new_issues_by_project(release)
        platforms = platforms_in([release])
        return Response(
            {
                "version": release.version,
                "versionInfo": version_info(release.version),
                "projects": [
                    {
                        "id": shipped.id,
                        "slug": shipped.slug,
                        "name": shipped.name,
                        "newGroups": new_issues.get(shipped.id, 0),
                        "platform": shipped.platform or None,
                        "platforms": platforms[shipped.id],
                    }
                    for shipped in release.shipped_in
                ],
                "newGroups": release.new_issues,
                "deployCount": release.deploy_count,
                "commitCount": release.commit_count,
                "commitFilesChanged": queries.count_changed_files(release),
                "releaseFileCount": uploads.count_files([release.pk])[release.pk],
            }
        )


def platforms_in(releases: Iterable[Release]) -> dict[int, list[str]]:
    """The platforms that the events of their projects come from. One statement."""
    return listings.platforms_of(
        {shipped.id for release in releases for shipped in release.shipped_in}
    )


def find_releases(
    request: Request, organization: Organization, projects: Sequence[Project]
) -> QuerySet[Release, int]:
    """The ids of those releases of the projects that a query string asks for, the newest first."""
    wanted = ReleaseListParams.read(request.query_params, organization, timezone.now())
    found = queries.releases_of(projects)
    if wanted.text:
        found = found.filter(version__icontains=wanted.text)
    if wanted.status is not None:
        found = found.filter(status=wanted.status)
    if wanted.start is not None:
        found = found.filter(GreaterThanOrEqual(queries.CAME_OUT_AT, wanted.start))
    if wanted.end is not None:
        found = found.filter(LessThanOrEqual(queries.CAME_OUT_AT, wanted.end))
    if (ids := wanted.environment_ids) is not None:
        project_ids = [project.pk for project in projects]
        seen = Q(pk__in=environments.releases_seen_in(ids, project_ids))
        seen |= Q(pk__in=health.releases_seen_in(ids, project_ids))
        found = found.filter(seen | queries.deployed_to(ids, projects))
    return found.values_list("pk", flat=True)


def fill(made: actions.Made, sent: dict[str, Any], *, now: datetime) -> None:
    """Give a release the commits that were sent, and resolve the issues that they fix. Raises
    Http404 when it was deleted just now."""
    release = made.release
    try:
        if sent["commits"]:
            commits.set_commits(release, sent["commits"], now=now)
        if sent["heads"]:
            commits.set_heads(release, sent["heads"], now=now)
    except Release.DoesNotExist as error:
        raise Http404 from error
    if sent["commits"] or sent["heads"] or made.is_news:
        issue_releases.resolve_fixed(release, now=now)
