"""Projects as JSON (projects contract, section 1)."""

import colorsys
import hashlib
from typing import Any

from sentrylite.accounts.api.serializers import LETTER_AVATAR
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project, Team
from sentrylite.organizations.models.organization import Status


def color(slug: str) -> str:
    """A project's own colour, as `#rrggbb`: a hue from its slug."""
    digest = hashlib.md5(slug.upper().encode(), usedforsecurity=False).hexdigest()
    rgb = colorsys.hls_to_rgb(int(digest[:3], 16) / 4096, 0.5, 0.5)
    return "#" + "".join(f"{int(channel * 255):02x}" for channel in rgb)


def features(project: Project) -> list[str]:
    return ["releases"] if project.latest_version is not None else []


class ProjectSerializer(OutputSerializer):
    """The basic form. Pass `context={"access": …}`; it needs the project's `team_list` and
    `latest_version`. With `points` it has stats."""

    def to_representation(self, project: Project) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "avatar": LETTER_AVATAR,
            "color": color(project.slug),
            "dateCreated": timestamp(project.created_at),
            "features": features(project),
            "firstEvent": optional_timestamp(project.first_event_at),
            "hasAccess": self.has_access(project),
            "id": str(project.pk),
            "isBookmarked": False,
            "isInternal": False,
            "isMember": self.is_member(project),
            "isPublic": False,
            "name": project.name,
            "platform": project.platform or None,
            "slug": project.slug,
            "status": "active" if project.status == Status.ACTIVE else "deleted",
        }
        if project.points is not None:
            answer["stats"] = project.points
        return answer

    def has_access(self, project: Project) -> bool:
        access: Access = self.context["access"]
        return access.reaches_project(_ids(project.team_list))

    def is_member(self, project: Project) -> bool:
        access: Access = self.context["access"]
        return not access.team_ids.isdisjoint(_ids(project.team_list))


class ProjectSummarySerializer(ProjectSerializer):
    """The form of lists. Needs `environment_names` as well."""

    def to_representation(self, project: Project) -> dict[str, Any]:
        teams = [reference(team) for team in project.team_list]
        latest = project.latest_version
        answer: dict[str, Any] = {
            "dateCreated": timestamp(project.created_at),
            "environments": project.environment_names,
            "features": features(project),
            "firstEvent": optional_timestamp(project.first_event_at),
            "hasAccess": self.has_access(project),
            "hasUserReports": False,
            "id": str(project.pk),
            "isBookmarked": False,
            "isMember": self.is_member(project),
            "latestDeploys": None,
            "latestRelease": None if latest is None else {"version": latest},
            "name": project.name,
            "platform": project.platform or None,
            "platforms": [],
            "slug": project.slug,
            "team": teams[0] if teams else None,
            "teams": teams,
        }
        if project.points is not None:
            answer["stats"] = project.points
        return answer


def reference(team: Team) -> dict[str, str]:
    """A team where it is only mentioned."""
    return {"id": str(team.pk), "name": team.name, "slug": team.slug}


def _ids(teams: list[Team]) -> frozenset[int]:
    return frozenset(team.pk for team in teams)
