"""Members of an organization and of a team (organizations contract, sections 10 and 11)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import Conflict
from sentrylite.api.links import absolute_url
from sentrylite.organizations import listings, members, queries, tasks, teams
from sentrylite.organizations.access import MEMBERSHIP_SCOPES, TEAM_MEMBERSHIP_SCOPES
from sentrylite.organizations.api import params, summaries
from sentrylite.organizations.api.base import (
    OrganizationScopedView,
    ProjectScopedView,
    TeamScopedView,
)
from sentrylite.organizations.api.inputs import MemberInviteInput, MemberUpdateInput
from sentrylite.organizations.api.serializers.members import (
    MemberDetailSerializer,
    MemberSerializer,
    MemberWithProjectsSerializer,
)
from sentrylite.organizations.api.serializers.teams import TeamWithProjectsSerializer
from sentrylite.organizations.models import OrganizationMember, Role, TeamMembership
from sentrylite.organizations.models.organization import Status


@contextmanager
def refusals() -> Iterator[None]:
    """What a change to members may be refused for, as answers."""
    try:
        yield
    except members.RoleOutOfReach:
        raise PermissionDenied("You do not have permission to give or take that role.") from None
    except members.LastOwner:
        raise PermissionDenied("This is the only owner of the organization.") from None
    except members.NotPending:
        raise ValidationError({"detail": "This member has accepted already."}) from None
    except members.AlreadyMember:
        raise Conflict("Somebody with this e-mail address is a member or invited.") from None
    except members.Gone:
        raise Http404 from None


class MemberView(OrganizationScopedView):
    scopes = MEMBERSHIP_SCOPES

    def find(self, address: str) -> OrganizationMember:
        """By id, or the caller as `me`. Raises Http404."""
        member = members.find_member(self.access, address)
        if member is None:
            raise Http404
        member.organization = self.organization
        return member

    def answer(self, found: Sequence[OrganizationMember]) -> list[dict[str, Any]]:
        members.load_teams_of_members(found)
        context = {"access": self.access, "now": timezone.now()}
        return MemberSerializer(found, many=True, context=context).data

    def answer_one(self, member: OrganizationMember) -> dict[str, Any]:
        members.load_teams_of_members([member])
        context = {
            "access": self.access,
            "now": timezone.now(),
            "is_only_owner": members.is_only_owner(member),
        }
        return MemberDetailSerializer(member, context=context).data

    def send_invitation(self, member: OrganizationMember) -> None:
        tasks.send_invitation.enqueue(member.pk, absolute_url(self.request, ""))


class MemberListView(MemberView):
    """List members and invitations, invite somebody."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = members.members_of(self.organization)
        found = members.search_members(found, params.search(request.query_params))
        return params.answer_page(request, params.page_of(request, found), self.answer)

    @transaction.atomic
    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = MemberInviteInput.read(request, organization=self.organization)
        with refusals():
            member = members.invite(
                self.access,
                email=sent["email"],
                role=Role(sent.get("role", self.organization.default_role)),
                teams=sent.get("teams", ()),
                by=self.author,
                now=timezone.now(),
            )
        if sent.get("sendInvite", True):
            self.send_invitation(member)
        return Response(self.answer_one(member), status=201)


class MemberDetailView(MemberView):
    """One member, or one invitation."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.answer_one(self.find(kwargs["member_id"])))

    @transaction.atomic
    def put(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        member = self.find(kwargs["member_id"])
        sent = MemberUpdateInput.read(request, organization=self.organization)
        with refusals():
            if "role" in sent or "teams" in sent:
                members.change_member(
                    member,
                    role=Role(sent["role"]) if "role" in sent else None,
                    teams=sent.get("teams"),
                    access=self.access,
                    by=self.author,
                    now=now,
                )
            if sent.get("reinvite") or sent.get("regenerate"):
                members.renew_invitation(member, by=self.author, now=now)
                self.send_invitation(member)
        return Response(self.answer_one(member))

    def delete(self, request: Request, **kwargs: Any) -> Response:
        member = self.find(kwargs["member_id"])
        is_self = member.user_id is not None and member.user_id == self.caller.user_id
        if not is_self and not self.access.allows(frozenset({"member:admin"})):
            raise PermissionDenied
        with refusals():
            members.remove_member(member, access=self.access, by=self.author, now=timezone.now())
        return Response(status=204)


class MemberTeamView(MemberView):
    """Who is in which team: joining and leaving, oneself or on behalf of others."""

    scopes = TEAM_MEMBERSHIP_SCOPES

    def post(self, request: Request, **kwargs: Any) -> Response:
        member, team = self.find(kwargs["member_id"]), self.find_team(kwargs["team"])
        self.check(member)
        if not self.access.reaches_team(team):
            raise PermissionDenied
        if not teams.join_team(team, member, by=self.author, now=timezone.now()):
            return Response(status=204)
        if member.user_id == self.caller.user_id:
            self.access = self.access.joined(team)
        return Response(self.answer_team(team), status=201)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        member, team = self.find(kwargs["member_id"]), self.find_team(kwargs["team"])
        self.check(member)
        if not teams.leave_team(team, member, by=self.author, now=timezone.now()):
            raise Http404
        if member.user_id == self.caller.user_id:
            self.access = self.access.left(team)
        return Response(self.answer_team(team))

    def find_team(self, address: str) -> Any:
        team = queries.find_team(self.organization, address)
        if team is None:
            raise Http404
        return team

    def check(self, member: OrganizationMember) -> None:
        """Raises PermissionDenied for others, unless the caller may change them."""
        if member.user_id is not None and member.user_id == self.caller.user_id:
            return
        may_change = self.access.allows(frozenset({"member:write", "member:admin"}))
        if not may_change or not self.access.manages(member.role):
            raise PermissionDenied

    def answer_team(self, team: Any) -> dict[str, Any]:
        summaries.load_teams([team], self.caller)
        return TeamWithProjectsSerializer(team, context={"access": self.access}).data


class TeamMemberListView(TeamScopedView):
    """The members of a team, by e-mail address."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = members.members_of(self.organization).filter(team_memberships__team=self.team)
        page = params.page_of(request, found)
        members.load_teams_of_members(page.rows)
        context = {"access": self.access, "now": timezone.now()}
        return params.answer_page(
            request, page, lambda rows: MemberSerializer(rows, many=True, context=context).data
        )


class ProjectMemberListView(ProjectScopedView):
    """The people in the teams that look after a project, by e-mail address."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        inside = TeamMembership.objects.filter(
            team__status=Status.ACTIVE, team__project_teams__project=self.project
        )
        found = members.members_of(self.organization).filter(
            user__isnull=False, pk__in=inside.values("member")
        )
        page = params.page_of(request, found)
        members.load_teams_of_members(page.rows)
        context = {"access": self.access, "now": timezone.now()}
        return params.answer_page(
            request, page, lambda rows: MemberSerializer(rows, many=True, context=context).data
        )


class OrganizationUserListView(OrganizationScopedView):
    """The people who look after the caller's projects, or after the chosen ones."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        chosen = params.read_projects(request.query_params, self.access)
        if chosen is None:
            chosen = listings.own_project_ids(self.access)
        found = members.members_sharing(self.organization, chosen)
        members.load_teams_of_members(found)
        context = {"access": self.access, "now": timezone.now()}
        return Response(MemberWithProjectsSerializer(found, many=True, context=context).data)
