"""Query strings of lists of releases to checked values (releases contract, section 2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import Http404, QueryDict

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.models import Organization
from sentrylite.releases.health import SORTS
from sentrylite.releases.models import Release

NEEDS_FLATTENING = "sorting by crash statistics requires flattening (flatten=1)"


@dataclass(frozen=True, slots=True)
class ReleaseListParams:
    """Which releases, of those that there are."""

    text: str
    """What a version holds, in any letter case."""
    status: str | None
    """None is any."""
    environment_ids: list[int] | None
    """None is any."""
    start: datetime | None
    end: datetime | None

    @classmethod
    def read(cls, query: QueryDict, organization: Organization, now: datetime) -> Self:
        """Raises BadParameter, and Http404 for an environment that nobody knows."""
        read_sort(query)
        start, end = params.period(query, now)
        return cls(
            text=params.text(query, "query") or "",
            status=_read_status(query),
            environment_ids=read_environments(query, organization),
            start=start,
            end=end,
        )


def read_sort(query: QueryDict) -> str:
    """`date`, or an order by health: of releases in each of their projects. Raises BadParameter."""
    sort = query.get("sort") or "date"
    if sort != "date" and sort not in SORTS:
        raise BadParameter("invalid sort")
    if sort in SORTS and not is_flat(query):
        raise BadParameter(NEEDS_FLATTENING)
    return sort


def is_flat(query: QueryDict) -> bool:
    """Whether a release is to be listed once for each of its projects."""
    return query.get("flatten") == "1"


def _read_status(query: QueryDict) -> str | None:
    """Without one, what is not archived; an empty one is any."""
    status = query.get("status", Release.Status.OPEN)
    if status and status not in Release.Status.values:
        raise BadParameter("invalid value for status")
    return status or None


def read_environments(query: QueryDict, organization: Organization) -> list[int] | None:
    """The ids of the environments that are asked for; None is any. Raises Http404 for one that
    nobody knows. One statement; none without names."""
    names = query.getlist("environment")
    if not names:
        return None
    if any("\0" in name for name in names):
        raise Http404
    found = organization_queries.find_environments(organization.pk, names)
    if found is None:
        raise Http404
    return found
