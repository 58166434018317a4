"""Query strings of lists of organizations, teams and projects to checked values."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.api.pagination import Cursor, Page, offset_page
from sentrylite.organizations import queries
from sentrylite.organizations.access import Access


def page_size(query: QueryDict) -> int:
    return params.page_size(query, "per_page", "Invalid per_page parameter.")


def page_of(request: Request, rows: QuerySet[Any]) -> Page[Any]:
    """The page of a sorted list that a request asks for."""
    query = request.query_params
    return offset_page(
        Cursor.read(query),
        page_size(query),
        lambda offset, limit: list(rows[offset : offset + limit]),
    )


def answer_page(
    request: Request, page: Page[Any], answer: Callable[[Sequence[Any]], Any]
) -> Response:
    return Response(answer(page.rows), headers={"Link": page.link(request)})


def is_on(query: QueryDict, name: str) -> bool:
    return query.get(name) in ("1", "true")


def search(query: QueryDict) -> str:
    return params.text(query, "query", default="") or ""


def read_projects(query: QueryDict, access: Access) -> set[int] | None:
    """The ids of the projects that `project` chooses, None when it chooses none; `-1` is all that
    the caller reaches. Raises BadParameter, and PermissionDenied for one out of reach."""
    if "project" not in query:
        return None
    ids = params.project_ids(query)
    found = queries.find_projects(access, ids)
    if ids is not None and len(found) < len(ids):
        raise PermissionDenied
    return {project.pk for project in found}
