"""The tags of an issue (issues contract, section 9)."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import environments, tags
from issues.api.base import IssueScopedView
from issues.api.params import TagValueListParams
from issues.api.serializers.tags import (
    TagKeySerializer,
    TagValueSerializer,
    UserValueSerializer,
    tag_name,
)
from issues.models import IssueTag
from issues.project_tags import TagValue
from issues.tags import TagKey
from sentrylite.api.pagination import Slice, date_key, date_of, keyed_page
from sentrylite.organizations.models import Project

MOST_VALUES = 10
MOST_VALUES_OF_CHOSEN = 9


class TagView(IssueScopedView):
    """Of the whole issue, or of what is in the chosen environments."""

    def find_part(self) -> environments.Part | None:
        """None is the whole issue. Raises BadParameter, and Http404 for an unknown environment."""
        environment_ids = self.find_environments()
        if environment_ids is None:
            return None
        return environments.part_of(self.issue, environment_ids, timezone.now())

    def find_top_values(self, keys: Collection[str] | None, limit: int) -> dict[str, TagKey]:
        part = self.find_part()
        if part is None:
            return tags.find_top_values(self.issue, keys, limit)
        return environments.find_top_values(part, keys, limit)


class TagListView(TagView):
    """An issue's tag keys with their most frequent values."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        keys = {key for key in request.query_params.getlist("key") if "\0" not in key}
        if "key" in request.query_params:
            found = self.find_top_values(keys, MOST_VALUES_OF_CHOSEN)
        else:
            found = self.find_top_values(None, MOST_VALUES)
        by_name = sorted(found.values(), key=lambda each: (tag_name(each.key), each.key))
        return Response(TagKeySerializer(by_name, many=True).data)


class TagDetailView(TagView):
    """One tag key of an issue."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = self.find_top_values([kwargs["key"]], MOST_VALUES_OF_CHOSEN)
        if not found:
            raise Http404
        return Response(TagKeySerializer(found[kwargs["key"]]).data)


class TagValueListView(TagView):
    """All values of a tag key in an issue. A key that only other issues have has none here."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        key, params = kwargs["key"], TagValueListParams.read(request.query_params)
        is_known = key in self.issue.tag_keys or tags.is_key_of_project(self.project.pk, key)
        if not is_known:
            raise Http404

        part = self.find_part()
        find = (
            partial(tags.find_values, self.issue)
            if part is None
            else partial(environments.find_values, part)
        )

        def fetch(asked: Slice) -> list[IssueTag]:
            return find(
                key,
                params.order,
                start=date_of(asked.start) if asked.start is not None else None,
                is_backward=asked.is_backward,
                offset=asked.offset,
                limit=asked.limit,
            )

        page = keyed_page(
            params.cursor, params.size, fetch, key=lambda tag: date_key(getattr(tag, params.order))
        )
        body = answer_values(self.project, key, page.rows)
        return Response(body, headers={"Link": page.link(request)})


def answer_values(
    project: Project, key: str, values: Sequence[IssueTag | TagValue]
) -> list[dict[str, Any]]:
    """A list of a key's values; those of `user` are people."""
    if key != "user":
        return TagValueSerializer(values, many=True).data
    people = tags.find_people(project.pk, [tag.value for tag in values])
    return UserValueSerializer(values, many=True, context={"people": people}).data
