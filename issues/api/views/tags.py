"""The tags of an issue (issues contract, section 9)."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from issues import tags
from issues.api.base import IssueScopedView
from issues.api.params import TagValueListParams, refuse_environment
from issues.api.serializers.tags import (
    TagValueSerializer,
    UserValueSerializer,
    tag_key,
    tag_name,
)
from issues.models import IssueTag
from sentrylite.api.pagination import Slice, date_key, date_of, keyed_page

MOST_VALUES = 10
MOST_VALUES_OF_CHOSEN = 9


class TagListView(IssueScopedView):
    """An issue's tag keys with their most frequent values."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        refuse_environment(request.query_params)
        wanted, keys = request.query_params.getlist("key"), set(self.issue.tag_keys)
        limit = MOST_VALUES_OF_CHOSEN if wanted else MOST_VALUES
        chosen = keys.intersection(wanted) if wanted else keys
        chosen_by_name = sorted(chosen, key=lambda key: (tag_name(key), key))
        found = tags.find_top_values(self.issue, chosen_by_name, limit)
        return Response([tag_key(self.issue, key, values) for key, values in found.items()])


class TagDetailView(IssueScopedView):
    """One tag key of an issue."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        refuse_environment(request.query_params)
        key = kwargs["key"]
        if key not in self.issue.tag_keys:
            raise Http404
        found = tags.find_top_values(self.issue, [key], MOST_VALUES_OF_CHOSEN)
        return Response(tag_key(self.issue, key, found[key]))


class TagValueListView(IssueScopedView):
    """All values of a tag key in an issue. A key that only other issues have has none here."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        key, params = kwargs["key"], TagValueListParams.read(request.query_params)
        is_known = key in self.issue.tag_keys or tags.is_key_of_project(self.project.pk, key)
        if not is_known:
            raise Http404

        def fetch(part: Slice) -> list[IssueTag]:
            return tags.find_values(
                self.issue,
                key,
                params.order,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )

        page = keyed_page(
            params.cursor, params.size, fetch, key=lambda tag: date_key(getattr(tag, params.order))
        )
        return Response(self.answer(key, page.rows), headers={"Link": page.link(request)})

    def answer(self, key: str, values: Sequence[IssueTag]) -> list[dict[str, Any]]:
        if key != "user":
            return TagValueSerializer(values, many=True).data
        people = tags.find_people(self.project.pk, [tag.value for tag in values])
        return UserValueSerializer(values, many=True, context={"people": people}).data
