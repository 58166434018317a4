"""Bodies of changes to issues (issues contract, sections 3 and 5)."""

from typing import Any

from rest_framework import serializers

from sentrylite.accounts.models import User
from sentrylite.api.inputs import Input
from sentrylite.organizations import queries
from sentrylite.organizations.models import Project, Team

CONDITIONS = (
    "ignoreDuration",
    "ignoreCount",
    "ignoreWindow",
    "ignoreUserCount",
    "ignoreUserWindow",
    "snoozeDuration",
)


class ActorField(serializers.Field):
    """Who is responsible: `user:1`, `team:2`, a user's id, name or e-mail address; empty is nobody.

    Needs the project in the context: only people and teams of the project will do.
    """

    default_error_messages = {
        "unknown": "Unknown actor input",
        "not_a_member": "Cannot assign to non-team member",
        "not_a_team": "Cannot assign to a team without access to the project",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> User | Team | None:
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.fail("unknown")
        text = str(data).strip()
        if not text:
            return None
        if "\0" in text:
            self.fail("unknown")
        project: Project = self.context["project"]
        actor = queries.find_actor(project.organization, text)
        if actor is None:
            self.fail("unknown")
        if not queries.is_actor_of(project, actor):
            self.fail("not_a_team" if isinstance(actor, Team) else "not_a_member")
        return actor

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError


class IssueUpdateInput(Input):
    """Needs the project and the caller in the context."""

    status = serializers.ChoiceField(
        choices=["resolved", "unresolved", "ignored", "muted"], allow_null=True
    )
    assignedTo = ActorField()
    hasSeen = serializers.BooleanField(allow_null=True)
    isBookmarked = serializers.BooleanField(allow_null=True)
    isSubscribed = serializers.BooleanField(allow_null=True)
    isPublic = serializers.BooleanField(allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            # An empty status is no status.
            data = {key: value for key, value in data.items() if (key, value) != ("status", "")}
        return super().to_internal_value(data)

    def validate(self, changes: dict[str, Any]) -> dict[str, Any]:
        # A condition that is dropped in silence would ignore an issue for ever.
        for name in ("statusDetails", *CONDITIONS):
            if self.initial_data.get(name):
                raise serializers.ValidationError(
                    {name: ["Conditions for a status are not supported yet."]}
                )
        if self.context["caller"].user is None:
            for name in ("isBookmarked", "isSubscribed"):
                if changes.get(name) is not None:
                    raise serializers.ValidationError(
                        {name: ["An API key has no user to do this for."]}
                    )
        return changes


class BulkUpdateInput(IssueUpdateInput):
    """The same for many issues."""

    def validate(self, changes: dict[str, Any]) -> dict[str, Any]:
        for name, deed in (("merge", "Merging"), ("discard", "Discarding")):
            if self.initial_data.get(name):
                raise serializers.ValidationError({name: [f"{deed} is not supported yet."]})
        return super().validate(changes)
