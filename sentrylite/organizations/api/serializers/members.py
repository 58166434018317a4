"""Members as JSON (organizations contract, sections 10 and 11)."""

from typing import TYPE_CHECKING

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import OrganizationMember, Role

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class MemberSerializer(OutputSerializer):
    """A member, or an invitation. Pass `context={"access": …, "now": …}`; it needs `team_list`."""

    def to_representation(self, member: OrganizationMember) -> "shapes.Member":
        access: Access = self.context["access"]
        context = {"user": access.caller.user}
        role = Role(member.role)
        email = (member.user.email if member.user else "") or member.email
        return {
            "dateCreated": timestamp(member.created_at),
            "email": email,
            "expired": member.is_expired_at(self.context["now"]),
            "flags": {"sso:invalid": False, "sso:linked": False},
            "id": str(member.pk),
            "inviteStatus": "approved",
            "inviterName": member.inviter.display_name if member.inviter else None,
            "name": member.user.display_name if member.user else email,
            "orgRole": role.value,
            "pending": member.is_pending,
            "role": role.value,
            "roleName": role.label,
            "teamRoles": [
                {"role": "contributor", "teamSlug": team.slug} for team in member.team_list
            ],
            "teams": [team.slug for team in member.team_list],
            "user": UserSerializer(member.user, context=context).data if member.user else None,
        }


class MemberDetailSerializer(MemberSerializer):
    """With what the caller could make of him. Needs `is_only_owner` in the context."""

    def to_representation(self, member: OrganizationMember) -> "shapes.MemberDetail":
        access: Access = self.context["access"]
        return {
            **super().to_representation(member),
            "isOnlyOwner": self.context["is_only_owner"],
            "roles": [
                {"allowed": access.manages(role), "id": role.value, "name": role.label}
                for role in Role
            ],
        }


class MemberWithProjectsSerializer(MemberSerializer):
    """Needs `project_slugs` too."""

    def to_representation(self, member: OrganizationMember) -> "shapes.MemberWithProjects":
        return {**super().to_representation(member), "projects": member.project_slugs}
