"""The tags of a project (projects contract, section 10)."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import project_tags, tags, tasks
from issues.api.params import ProjectTagValueListParams, read_environments, refuse_environment
from issues.api.serializers.tags import ProjectTagSerializer
from issues.project_tags import TagValue
from sentrylite.api.pagination import Slice, date_key, date_of, keyed_page
from sentrylite.background.queue import enqueue_once
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.api.base import ProjectScopedView

from .tags import answer_values

# What the server itself goes by.
PROTECTED = ("environment", "release")


class ProjectTagView(ProjectScopedView):
    def check_environment(self) -> None:
        """Raises BadParameter for any environment, and Http404 for one that nobody knows."""
        names = read_environments(self.request.query_params)
        if names and organization_queries.find_environments(self.organization.pk, names) is None:
            raise Http404
        refuse_environment(self.request.query_params)

    def count_values(self, key: str) -> int:
        """Raises Http404 for a key that the project does not have."""
        values = project_tags.count_values(self.project, key)
        if not values:
            raise Http404
        return values


class ProjectTagListView(ProjectTagView):
    """A project's tag keys, sorted."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        self.check_environment()
        return Response(
            [
                {**ProjectTagSerializer(tag).data, "canDelete": tag[0] not in PROTECTED}
                for tag in project_tags.find_keys(self.project).items()
            ]
        )


class ProjectTagDetailView(ProjectTagView):
    """A tag key of a project."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        self.check_environment()
        key = kwargs["key"]
        return Response(ProjectTagSerializer((key, self.count_values(key))).data)

    # Of many issues it takes a while: it is done in the background.
    def delete(self, request: Request, **kwargs: Any) -> Response:
        key = kwargs["key"]
        if key in PROTECTED:
            return Response(status=403)
        self.count_values(key)
        enqueue_once(tasks.remove_tag_key, self.project.pk, key)
        return Response(status=204)


class ProjectTagValueListView(ProjectTagView):
    """List a tag's values, those seen last first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        key = kwargs["key"]
        params = ProjectTagValueListParams.read(request.query_params, timezone.now())
        self.check_environment()
        if not tags.is_key_of_project(self.project.pk, key):
            raise Http404

        def fetch(part: Slice) -> list[TagValue]:
            return project_tags.find_values(
                self.project,
                key,
                params.wanted,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )

        page = keyed_page(
            params.cursor, params.size, fetch, key=lambda value: date_key(value.last_seen)
        )
        body = answer_values(self.project, key, page.rows)
        return Response(body, headers={"Link": page.link(request)})
