"""Teams as JSON (teams contract, section 1)."""

from typing import TYPE_CHECKING

from sentrylite.accounts.api.serializers import LETTER_AVATAR
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Team

from .projects import ProjectSerializer

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class TeamSerializer(OutputSerializer):
    """Pass `context={"access": …}`; it needs the team's `member_count`."""

    def to_representation(self, team: Team) -> "shapes.Team":
        access: Access = self.context["access"]
        return {
            "avatar": LETTER_AVATAR,
            "dateCreated": timestamp(team.created_at),
            "hasAccess": access.reaches_team(team),
            "id": str(team.pk),
            "isMember": team.pk in access.team_ids,
            "isPending": False,
            "memberCount": team.member_count,
            "name": team.name,
            "slug": team.slug,
        }


class TeamWithProjectsSerializer(TeamSerializer):
    """Needs `project_list`, and of its projects what their basic form needs."""

    def to_representation(self, team: Team) -> "shapes.TeamWithProjects":
        projects = ProjectSerializer(team.project_list, many=True, context=self.context)
        return {**super().to_representation(team), "projects": projects.data}
