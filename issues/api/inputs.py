"""Bodies of changes to issues (issues contract, sections 3 and 5) and to what becomes of events."""

from typing import Any, NamedTuple

from rest_framework import serializers
from rest_framework.request import Request

from issues import ownership, releases
from issues.actions import Conditions
from issues.api.serializers.ownership import AUTO_ASSIGNMENT
from issues.payload.feedback import MAX_EMAIL, MAX_NAME
from issues.payload.filters import LEGACY_VERSIONS
from issues.payload.owners import BadRule
from sentrylite.accounts.models import User
from sentrylite.api import params
from sentrylite.api.inputs import Input
from sentrylite.organizations import queries
from sentrylite.organizations.models import Project, Team
from sentrylite.releases import queries as release_queries
from sentrylite.releases.models import Commit, Release

MAX_CONDITION = 2**31 - 1
MAX_RULES_TEXT = 100_000
MAX_WINDOW = 7 * 24 * 60
SEVERAL_PROJECTS = "The issues are of several projects, each with releases of its own."
NO_RELEASE = "No release data present in the system to form a basis for 'Next Release'"


class InCommit(NamedTuple):
    """A commit that issues are to be resolved in, and the newest release that has it, if any."""

    commit: Commit
    release: Release | None


class ActorField(serializers.Field):
    """Who is responsible: `user:1`, `team:2`, a user's id, name or e-mail address; empty is nobody.

    Needs the projects in the context: only people and teams of all of them will do.
    """

    default_error_messages = {
        "unknown": "Unknown actor input",
        "not_a_member": "Cannot assign to non-team member",
        "not_a_team": "Cannot assign to a team without access to the project",
    }

    accepts = str | int

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
        projects: list[Project] = self.context["projects"]
        actor = queries.find_actor(projects[0].organization, text)
        if actor is None:
            self.fail("unknown")
        if len(queries.projects_of_actor(projects, actor)) < len(projects):
            self.fail("not_a_team" if isinstance(actor, Team) else "not_a_member")
        return actor

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError


class MentionsField(serializers.ListField):
    """People and teams that a note names: `user:1`, `team:2`, a user's id. Only those of the
    project, which is in the context."""

    default_error_messages = {
        "not_a_member": "Cannot mention a non team member",
        "not_a_team": "Mentioned team not found or not associated with project",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)

    def to_internal_value(self, data: Any) -> list[User | Team]:
        wanted: dict[str, set[int]] = {"user": set(), "team": set()}
        for mention in super().to_internal_value(data):
            kind, _, number = str(mention).strip().rpartition(":")
            is_number = not isinstance(mention, bool) and params.is_id(number)
            if (kind or "user") not in wanted or not is_number:
                self.fail("not_a_team" if kind == "team" else "not_a_member")
            wanted[kind or "user"].add(int(number))
        project: Project = self.context["project"]
        people, teams = queries.find_actors_of(project, wanted["user"], wanted["team"])
        if len(people) < len(wanted["user"]):
            self.fail("not_a_member")
        if len(teams) < len(wanted["team"]):
            self.fail("not_a_team")
        return [*people, *teams]


class NoteInput(Input):
    """A comment (issues contract, section 10). Needs the project in the context."""

    must_have = ("text",)

    text = serializers.CharField()
    mentions = MentionsField(allow_null=True)
    external_id = serializers.CharField(allow_null=True, allow_blank=True, max_length=200)


class ConditionsInput(Input):
    """What ends an issue's being ignored. Durations and windows are minutes."""

    ignoreDuration = serializers.IntegerField(allow_null=True, max_value=MAX_CONDITION)
    ignoreCount = serializers.IntegerField(allow_null=True, max_value=MAX_CONDITION)
    ignoreWindow = serializers.IntegerField(allow_null=True, max_value=MAX_WINDOW)
    ignoreUserCount = serializers.IntegerField(allow_null=True, max_value=MAX_CONDITION)
    ignoreUserWindow = serializers.IntegerField(allow_null=True, max_value=MAX_WINDOW)
    snoozeDuration = serializers.IntegerField(allow_null=True, max_value=MAX_CONDITION)


def conditions(sent: dict[str, Any]) -> Conditions:
    """From the checked keys of a ConditionsInput."""
    return Conditions.of(
        duration=sent.get("ignoreDuration") or sent.get("snoozeDuration"),
        count=sent.get("ignoreCount"),
        window=sent.get("ignoreWindow"),
        user_count=sent.get("ignoreUserCount"),
        user_window=sent.get("ignoreUserWindow"),
    )


class InCommitInput(serializers.Serializer):
    """A commit by its repository's name and its own, as an `InCommit`. Needs the projects in the
    context."""

    commit = serializers.CharField(max_length=64)
    repository = serializers.CharField(max_length=200)

    def validate_repository(self, name: str) -> str:
        if not releases.has_repository(self.context["projects"][0].organization, name):
            raise serializers.ValidationError("Unable to find the given repository.")
        return name

    def validate(self, sent: dict[str, Any]) -> Any:
        # In a partial body, nothing else asks for them.
        for name in ("commit", "repository"):
            if name not in sent:
                raise serializers.ValidationError({name: ["This field is required."]})
        project = only(self.context["projects"])
        commit = releases.find_commit(project.organization, sent["repository"], sent["commit"])
        if commit is None:
            raise serializers.ValidationError({"commit": ["Unable to find the given commit."]})
        return InCommit(commit, releases.newest_release_with(commit, project))


class StatusDetailsInput(ConditionsInput):
    """Needs the projects in the context."""

    inNextRelease = serializers.BooleanField(allow_null=True)
    inRelease = serializers.CharField(allow_null=True, allow_blank=True)
    inCommit = InCommitInput(allow_null=True)

    def validate_inNextRelease(self, is_next: bool | None) -> Release | None:
        """The newest release there is."""
        return newest_release(self.context["projects"]) if is_next else None

    def validate_inRelease(self, version: str | None) -> Release | None:
        projects: list[Project] = self.context["projects"]
        if not version:
            return None
        if version == "latest":
            return newest_release(projects)
        release = release_queries.release_of(only(projects), version)
        if release is None:
            raise serializers.ValidationError("Unable to find a release with the given version.")
        return release


def only(projects: list[Project]) -> Project:
    """The project whose releases are meant."""
    if len(projects) > 1:
        raise serializers.ValidationError(SEVERAL_PROJECTS)
    return projects[0]


def newest_release(projects: list[Project]) -> Release:
    release = release_queries.newest_release_of(only(projects))
    if release is None:
        raise serializers.ValidationError(NO_RELEASE)
    return release


# What clients of later years say beside the status, and the status that it goes with. There is no
# telling when an issue escalates: until then is until somebody says so.
SUBSTATUSES = {
    "archived_forever": "ignored",
    "archived_until_condition_met": "ignored",
    "archived_until_escalating": "ignored",
    "escalating": "unresolved",
    "new": "unresolved",
    "ongoing": "unresolved",
    "regressed": "unresolved",
}


class IssueUpdateInput(ConditionsInput):
    """Needs the projects of the issues and the caller in the context.

    What goes with the status comes out as `next_release`, `in_release`, `in_commit` and
    `conditions`. A substatus comes out as the status that it goes with.
    """

    status = serializers.ChoiceField(
        choices=["resolved", "unresolved", "ignored", "resolvedInNextRelease", "muted"],
        allow_null=True,
    )
    substatus = serializers.ChoiceField(choices=list(SUBSTATUSES), allow_null=True)
    statusDetails = StatusDetailsInput(allow_null=True)
    assignedTo = ActorField()
    hasSeen = serializers.BooleanField(allow_null=True)
    isBookmarked = serializers.BooleanField(allow_null=True)
    isSubscribed = serializers.BooleanField(allow_null=True)
    isPublic = serializers.BooleanField(allow_null=True)
    merge = serializers.BooleanField(allow_null=True)
    discard = serializers.BooleanField(allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            # An empty status is no status.
            data = {key: value for key, value in data.items() if (key, value) != ("status", "")}
        return super().to_internal_value(data)

    def validate(self, changes: dict[str, Any]) -> dict[str, Any]:
        if changes.get("discard") and len(changes) > 1:
            raise serializers.ValidationError("Other attributes cannot be updated when discarding")
        if changes.get("merge") and len(self.context["projects"]) > 1:
            raise serializers.ValidationError(
                {"merge": ["Issues of several projects cannot be merged."]}
            )
        details = changes.get("statusDetails")
        # The keys beside it are an older way to say the same.
        changes["conditions"] = conditions(changes if details is None else details)
        details = details or {}
        if substatus := changes.pop("substatus", None):
            changes["status"] = status_with(substatus, changes)
        next_release = details.get("inNextRelease")
        if changes.get("status") == "resolvedInNextRelease" and next_release is None:
            try:
                next_release = newest_release(self.context["projects"])
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"status": error.detail}) from None
        changes["next_release"], changes["in_release"] = next_release, details.get("inRelease")
        changes["in_commit"] = details.get("inCommit")
        if self.context["caller"].user is None:
            for name in ("isBookmarked", "isSubscribed"):
                if changes.get(name) is not None:
                    raise serializers.ValidationError(
                        {name: ["An API key has no user to do this for."]}
                    )
        return changes


def status_with(substatus: str, changes: dict[str, Any]) -> str:
    """The status of checked changes with this substatus. Raises ValidationError where the two
    contradict each other, or nothing says what the issue is to wait for."""
    status = SUBSTATUSES[substatus]
    given = {None: status, "muted": "ignored"}.get(changes.get("status"), changes.get("status"))
    if given != status:
        raise serializers.ValidationError(
            {"substatus": [f"An issue that is {given} cannot be {substatus}."]}
        )
    if substatus == "archived_until_condition_met" and changes["conditions"] == Conditions():
        raise serializers.ValidationError(
            {"substatus": ["A condition is missing, such as ignoreCount or ignoreDuration."]}
        )
    return status


class ReprocessingInput(Input):
    """Which events of an issue are restored again, and what becomes of the others."""

    maxEvents = serializers.IntegerField(allow_null=True, min_value=1, max_value=MAX_CONDITION)
    remainingEvents = serializers.ChoiceField(choices=["keep", "delete"])


class FilterInput(Input):
    """A filter that is on or off."""

    must_have = ("active",)

    active = serializers.BooleanField()


class LegacyBrowsersInput(Input):
    """The parts of the filter that are on, or all or none of them."""

    active = serializers.BooleanField()
    subfilters = serializers.MultipleChoiceField(choices=list(LEGACY_VERSIONS))

    @classmethod
    def read_parts(cls, request: Request) -> list[str]:
        """`subfilters` wins. In the order in which they are offered."""
        sent = cls.read(request)
        if "subfilters" not in sent and "active" not in sent:
            raise serializers.ValidationError({"subfilters": ["This field is required."]})
        wanted = sent.get("subfilters", LEGACY_VERSIONS if sent.get("active") else ())
        return [part for part in LEGACY_VERSIONS if part in wanted]


class UserReportInput(Input):
    """What a user says about an event (projects contract, section 9). All of it is required."""

    is_partial = False

    event_id = serializers.CharField(max_length=32)
    name = serializers.CharField(max_length=MAX_NAME)
    email = serializers.EmailField(max_length=MAX_EMAIL)
    comments = serializers.CharField()

    def validate_event_id(self, value: str) -> str:
        return value.lower()


class AutoAssignmentField(serializers.Field):
    """True or false, or what today's clients say for it."""

    accepts = bool | str

    def to_internal_value(self, data: Any) -> bool:
        for value, name in AUTO_ASSIGNMENT.items():
            if data == name:
                return value
        if not isinstance(data, bool):
            names = " or ".join(f'"{name}"' for name in AUTO_ASSIGNMENT.values())
            raise serializers.ValidationError(f"This is {names}.")
        return data


class OwnershipInput(Input):
    """The ownership rules of the project in the context, as columns."""

    raw = serializers.CharField(allow_blank=True, max_length=MAX_RULES_TEXT, trim_whitespace=False)
    fallthrough = serializers.BooleanField()
    autoAssignment = AutoAssignmentField(source="auto_assignment")
    isActive = serializers.BooleanField(source="is_active")

    def validate_raw(self, raw: str) -> str:
        try:
            unknown = ownership.unknown_owners(self.context["project"], raw)
        except BadRule as error:
            raise serializers.ValidationError(str(error)) from error
        if unknown:
            raise serializers.ValidationError(f"Invalid rule owners: {', '.join(unknown[:20])}")
        return raw
