"""The commits of releases and repositories (releases contract, section 6; organizations contract,
section 9)."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.organizations.access import ORGANIZATION_SCOPES, REPOSITORY_SCOPES
from sentrylite.organizations.api.base import OrganizationScopedView
from sentrylite.organizations.api.params import answer_page, page_of
from sentrylite.releases import commits, repositories
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.inputs import RepositoryCreateInput, RepositoryInput
from sentrylite.releases.api.serializers.commits import (
    CommitSerializer,
    FileChangeSerializer,
    RepositorySerializer,
)
from sentrylite.releases.models import CommitFileChange, Repository
from sentrylite.releases.repositories import NameTaken

TAKEN = {"name": ["A repository with that name already exists"]}


def answer_commits(request: Request, ids: QuerySet[Any, int], context: dict[str, Any]) -> Response:
    """The page of these commits that is asked for."""

    def answer(page: Sequence[int]) -> list[dict[str, Any]]:
        found = commits.load_commits(page)
        listed = [found[pk] for pk in page if pk in found]
        return CommitSerializer(listed, many=True, context=context).data

    return answer_page(request, page_of(request, ids), answer)


class ReleaseCommitListView(ReleaseScopedView):
    """List the commits of a release, the newest first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        listed = self.release.release_commits.order_by("order")
        ids = listed.values_list("commit_id", flat=True)
        return answer_commits(request, ids, {"user": self.caller.user})


class ReleaseCommitFilesView(ReleaseScopedView):
    """List the changes to files of a release's commits, all of them."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        of_release = CommitFileChange.objects.filter(commit__release_commits__release=self.release)
        changes = list(of_release.order_by("filename", "pk"))
        context = {
            "commits": commits.load_commits({change.commit_id for change in changes}),
            "user": self.caller.user,
        }
        return Response(FileChangeSerializer(changes, many=True, context=context).data)


class RepositoryListView(OrganizationScopedView):
    """List the repositories of an organization, by name; add one."""

    scopes = REPOSITORY_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        status = params.text(request.query_params, "status", default="active")
        found = Repository.objects.filter(organization=self.organization)
        if status:
            found = found.filter(status={"deleted": Repository.Status.DELETED}.get(status, status))
        return answer_page(
            request,
            page_of(request, found.order_by("name")),
            lambda rows: RepositorySerializer(rows, many=True).data,
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            return Response(status=401)
        columns = RepositoryCreateInput.read(request)
        name = columns.pop("name")
        try:
            repository = repositories.add_repository(
                self.organization, name, columns, now=timezone.now()
            )
        except NameTaken as error:
            raise ValidationError(TAKEN) from error
        return Response(RepositorySerializer(repository).data, status=201)


class RepositoryScopedView(OrganizationScopedView):
    """`/organizations/{organization}/repos/{repo_id}/…`"""

    repository: Repository

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        repo_id = path["repo_id"]
        found = Repository.objects.filter(organization=self.organization)
        repository = found.filter(pk=int(repo_id)).first() if params.is_id(repo_id) else None
        if repository is None:
            raise Http404
        self.repository = repository


class RepositoryDetailView(RepositoryScopedView):
    """Change a repository, or put it out of sight."""

    scopes = {
        **REPOSITORY_SCOPES,
        **{method: ORGANIZATION_SCOPES[method] for method in ("PUT", "DELETE")},
    }

    def put(self, request: Request, **kwargs: Any) -> Response:
        try:
            repositories.change_repository(self.repository, RepositoryInput.read(request))
        except NameTaken as error:
            raise ValidationError(TAKEN) from error
        return Response(RepositorySerializer(self.repository).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        repositories.remove_repository(self.repository)
        return Response(RepositorySerializer(self.repository).data, status=202)


class RepositoryCommitListView(RepositoryScopedView):
    """List the commits of a repository, the newest first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = self.repository.commits.order_by("-created_at", "-id")
        ids = found.values_list("pk", flat=True)
        return answer_commits(request, ids, {"user": self.caller.user})
