"""The tags of a project (projects contract, section 10)."""

from datetime import datetime
from functools import partial
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import environment_tags, project_tags, tags, tasks
from issues.api.params import ProjectTagValueListParams, read_environments
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
    def find_part(self, now: datetime) -> environment_tags.Part | None:
        """The environments that are asked for; None for the whole project. Raises BadParameter, and
        Http404 for one that nobody knows."""
        names = read_environments(self.request.query_params)
        if not names:
            return None
        ids = organization_queries.find_environments(self.organization.pk, names)
        if ids is None:
            raise Http404
        return environment_tags.Part(self.project, ids, now)

    def check_key(self, key: str) -> None:
        """Raises Http404 for a key that the project does not have."""
        if not tags.is_key_of_project(self.project.pk, key):
            raise Http404


class ProjectTagListView(ProjectTagView):
    """A project's tag keys, sorted."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        part = self.find_part(timezone.now())
        found = (
            project_tags.find_keys(self.project)
            if part is None
            else environment_tags.count_values(part)
        )
        return Response(
            [
                {**ProjectTagSerializer(tag).data, "canDelete": tag[0] not in PROTECTED}
                for tag in found.items()
            ]
        )


class ProjectTagDetailView(ProjectTagView):
    """A tag key of a project."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        key, part = kwargs["key"], self.find_part(timezone.now())
        values = (
            project_tags.count_values(self.project, key)
            if part is None
            else environment_tags.count_values(part, key).get(key, 0)
        )
        if not values:
            self.check_key(key)  # there may be some in other environments
        return Response(ProjectTagSerializer((key, values)).data)

    # Of many issues it takes a while: it is done in the background.
    def delete(self, request: Request, **kwargs: Any) -> Response:
        key = kwargs["key"]
        if key in PROTECTED:
            return Response(status=403)
        self.check_key(key)
        enqueue_once(tasks.remove_tag_key, self.project.pk, key)
        return Response(status=204)


class ProjectTagValueListView(ProjectTagView):
    """List a tag's values, those seen last first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        key, now = kwargs["key"], timezone.now()
        params = ProjectTagValueListParams.read(request.query_params, now)
        part = self.find_part(now)
        self.check_key(key)
        find = (
            partial(project_tags.find_values, self.project)
            if part is None
            else partial(environment_tags.find_values, part)
        )

        def fetch(asked: Slice) -> list[TagValue]:
            return find(
                key,
                params.wanted,
                start=date_of(asked.start) if asked.start is not None else None,
                is_backward=asked.is_backward,
                offset=asked.offset,
                limit=asked.limit,
            )

        page = keyed_page(
            params.cursor, params.size, fetch, key=lambda value: date_key(value.last_seen)
        )
        body = answer_values(self.project, key, page.rows)
        return Response(body, headers={"Link": page.link(request)})
