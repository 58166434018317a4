"""Query strings of lists of releases to checked values (releases contract, section 2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import Http404, QueryDict

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.models import Organization
from sentrylite.releases.models import Release

# Of release health, which sorts what it has put beside one another first.
CRASH_SORTS = ("sessions", "users", "crash_free_sessions", "crash_free_users")
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
        _check_sort(query)
        start, end = params.period(query, now)
        return cls(
            text=params.text(query, "query") or "",
            status=_read_status(query),
            environment_ids=_read_environments(query, organization),
            start=start,
            end=end,
        )


def _check_sort(query: QueryDict) -> None:
    sort = query.get("sort") or "date"
    if sort in CRASH_SORTS and query.get("flatten") != "1":
        raise BadParameter(NEEDS_FLATTENING)
    if sort != "date":
        raise BadParameter("invalid sort")


def _read_status(query: QueryDict) -> str | None:
    """Without one, what is not archived; an empty one is any."""
    status = query.get("status", Release.Status.OPEN)
    if status and status not in Release.Status.values:
        raise BadParameter("invalid value for status")
    return status or None


def _read_environments(query: QueryDict, organization: Organization) -> list[int] | None:
    names = query.getlist("environment")
    if not names:
        return None
    if any("\0" in name for name in names):
        raise Http404
    found = organization_queries.find_environments(organization.pk, names)
    if found is None:
        raise Http404
    return found
