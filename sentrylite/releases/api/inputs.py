"""Bodies of changes to releases, deploys and repositories (releases contract, sections 3, 4, 8)."""

from typing import Any

from rest_framework import serializers

from sentrylite.api.inputs import Input
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project
from sentrylite.releases import commits, versions
from sentrylite.releases.commits import FileChange, Head, NewCommit
from sentrylite.releases.models import CommitFileChange, Release, Repository
from sentrylite.releases.repositories import PROVIDERS

MAX_URL = 1000
NEEDS_PERSON = "You must use an authenticated API token to fetch refs"


class ObjectsField(serializers.ListField):
    """Objects of which the first mistake is told, behind the name of its field (as measured)."""

    def run_child_validation(self, data: Any) -> list[Any]:
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(_first(error.detail)) from error


def _first(detail: Any) -> str:
    """`{3: {"id": ["It is missing."]}}` to `id: It is missing.`"""
    if isinstance(detail, list):
        return _first(detail[0])
    if not isinstance(detail, dict):
        return str(detail)
    name, inner = next(iter(detail.items()))
    is_named = isinstance(name, str) and name != "non_field_errors"
    return f"{name}: {_first(inner)}" if is_named else _first(inner)


class VersionField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        version = super().to_internal_value(data)
        if len(version) <= 200 and not versions.is_valid(version):
            raise serializers.ValidationError(f"Release with name {version} is not allowed")
        return version


class ProjectsField(serializers.ListField):
    """Projects by slug or id. Needs the Access in the context: all of them have to be in reach."""

    default_error_messages = {"unknown": "Invalid project slugs"}

    def to_internal_value(self, data: Any) -> list[Project]:
        wanted = {str(each) for each in super().to_internal_value(data) if _is_address(each)}
        if len(wanted) < len({str(each) for each in data}):
            self.fail("unknown")
        if not wanted:
            return []
        access: Access = self.context["access"]
        found: dict[str, Project] = {}
        for project in organization_queries.find_projects(access):
            found.setdefault(project.slug, project)
            found.setdefault(str(project.pk), project)
        if not wanted <= found.keys():
            self.fail("unknown")
        return list({found[each].pk: found[each] for each in sorted(wanted)}.values())


def _is_address(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


class OwnerField(serializers.Field):
    """A person: a user's id, name or e-mail address. Needs the Access in the context: only members
    of its organization will do."""

    accepts = str | int

    def to_internal_value(self, data: Any) -> Any:
        text = str(data).strip() if _is_address(data) else ""
        organization = self.context["access"].organization
        owner = None
        if text and "\0" not in text and len(text) < 300:
            owner = organization_queries.find_member(organization, text)
        if owner is None:
            raise serializers.ValidationError("Unable to find user")
        return owner

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError


class FileChangesField(serializers.Field):
    """To FileChanges. A release may have many thousands, so they are not read field by field."""

    default_error_messages = {
        "not_a_list": 'Expected a list of items but got type "{kind}".',
        "not_a_dict": "Invalid data. Expected a dictionary, but got {kind}.",
        "required": "{name}: This field is required.",
        "not_a_text": "{name}: Not a valid string.",
        "blank": "{name}: This field may not be blank.",
        "null": "{name}: Null characters are not allowed.",
        "too_long": "path: Ensure this field has no more than {max_length} characters.",
        "unknown": "type: Commit patch_set type {type} is not supported.",
    }
    accepts = list[dict[str, str]]
    TYPES = frozenset(CommitFileChange.Type.values)
    MAX_PATH = 255

    def to_internal_value(self, data: Any) -> tuple[FileChange, ...]:
        if not isinstance(data, list):
            self.fail("not_a_list", kind=type(data).__name__)
        return tuple(map(self._read, data))

    def _read(self, change: Any) -> FileChange:
        if not isinstance(change, dict):
            self.fail("not_a_dict", kind=type(change).__name__)
        for name in ("path", "type"):
            value = change.get(name)
            if name not in change:
                self.fail("required", name=name)
            if not isinstance(value, str):
                self.fail("not_a_text", name=name)
            if not value:
                self.fail("blank", name=name)
            if "\0" in value:
                self.fail("null", name=name)
        path, kind = change["path"], change["type"]
        if len(path) > self.MAX_PATH:
            self.fail("too_long", max_length=self.MAX_PATH)
        if kind not in self.TYPES:
            self.fail("unknown", type=kind[:64])
        return FileChange(path, kind)

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError


def _optional_text(max_length: int | None = None) -> serializers.CharField:
    return serializers.CharField(
        max_length=max_length, required=False, allow_null=True, allow_blank=True
    )


class CommitInput(serializers.Serializer):
    """To a NewCommit."""

    id = serializers.CharField(max_length=64)
    repository = _optional_text(64)
    message = _optional_text()
    author_name = _optional_text(128)
    author_email = serializers.EmailField(
        max_length=75, required=False, allow_null=True, allow_blank=True
    )
    timestamp = serializers.DateTimeField(required=False, allow_null=True)
    patch_set = FileChangesField(required=False, allow_null=True)


class HeadInput(serializers.Serializer):
    repository = serializers.CharField(max_length=200)
    commit = serializers.CharField()
    previousCommit = _optional_text(64)

    def validate_commit(self, value: str) -> str:
        """The last commit of `from..to`."""
        if value.startswith("..") or value.endswith(".."):
            raise serializers.ValidationError("Commit cannot begin or end with ..")
        first, separator, last = value.partition("..")
        if len(first) > 64 or len(last) > 64:
            raise serializers.ValidationError(
                "Start or end commit too long - max is 64 chars each"
                if separator
                else "Commit too long - max is 64 chars"
            )
        return last if separator else first


class OldHeadInput(serializers.Serializer):
    currentId = serializers.CharField(max_length=64)
    repository = serializers.CharField(max_length=200)
    previousId = _optional_text(64)


class ReleaseUpdateInput(Input):
    """What may be said of a release (releases contract, section 4). Needs the Access in the
    context. What is empty changes nothing.

    `columns` is what it sets, `commits` and `heads` what it was built from, `projects` what else
    ships it.
    """

    is_partial = False  # its commits have to be whole

    projects = ProjectsField(required=False)
    ref = _optional_text(200)
    url = serializers.URLField(
        max_length=MAX_URL, required=False, allow_null=True, allow_blank=True
    )
    dateReleased = serializers.DateTimeField(required=False, allow_null=True)
    status = serializers.ChoiceField(
        choices=Release.Status.choices, required=False, allow_null=True
    )
    owner = OwnerField(required=False, allow_null=True)
    commits = ObjectsField(child=CommitInput(), required=False)
    refs = ObjectsField(child=HeadInput(), required=False, allow_null=True)
    headCommits = ObjectsField(child=OldHeadInput(), required=False, allow_null=True)

    COLUMNS = {
        "ref": "ref",
        "url": "url",
        "dateReleased": "released_at",
        "status": "status",
        "owner": "owner",
    }

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        heads = [Head(ref["repository"], ref["commit"]) for ref in sent.get("refs") or ()]
        if not heads:
            heads = [
                Head(ref["repository"], ref["currentId"]) for ref in sent.get("headCommits") or ()
            ]
        access: Access = self.context["access"]
        if heads and access.caller.user is None:
            raise serializers.ValidationError({"refs": [NEEDS_PERSON]})
        names = {head.repository for head in heads}
        if names and (unknown := commits.unknown_repositories(access.organization, names)):
            text = f"Invalid repository names: {','.join(unknown)}"
            raise serializers.ValidationError({"refs": [text]})
        return {
            "columns": {
                column: sent[name] for name, column in self.COLUMNS.items() if sent.get(name)
            },
            "commits": self._commits(sent.get("commits", ()), access),
            "heads": heads,
            "projects": sent.get("projects", []),
        }

    def _commits(self, sent: list[dict[str, Any]], access: Access) -> list[NewCommit]:
        if len({bool(commit.get("timestamp")) for commit in sent}) > 1:
            raise serializers.ValidationError(
                {"commits": ["timestamp: Either all commits have one or none has."]}
            )
        return [
            NewCommit(
                key=commit["id"],
                repository=commit.get("repository") or f"organization-{access.organization.pk}",
                message=commit.get("message"),
                author_name=commit.get("author_name") or "",
                author_email=commit.get("author_email") or "",
                created_at=commit.get("timestamp"),
                changes=commit.get("patch_set") or (),
            )
            for commit in sent
        ]


class ReleaseCreateInput(ReleaseUpdateInput):
    """The same with the version. Whether projects were named at all is `has_projects`."""

    version = VersionField()

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        return super().validate(sent) | {
            "version": sent["version"],
            "has_projects": "projects" in sent,
        }


class DeployInput(Input):
    """A deploy (releases contract, section 8). Needs the Access in the context, and the projects
    that it may be for.

    `columns` is what it sets, `projects` are those it is for, none for all.
    """

    is_partial = False

    environment = serializers.CharField(max_length=64)
    name = _optional_text(64)
    url = serializers.URLField(
        max_length=MAX_URL, required=False, allow_null=True, allow_blank=True
    )
    dateStarted = serializers.DateTimeField(required=False, allow_null=True)
    dateFinished = serializers.DateTimeField(required=False, allow_null=True)
    projects = ProjectsField(required=False, allow_null=True)

    COLUMNS = {
        "name": "name",
        "url": "url",
        "dateStarted": "started_at",
        "dateFinished": "finished_at",
    }

    def validate_projects(self, projects: list[Project] | None) -> list[Project]:
        if projects and not {*projects} <= {*self.context["projects"]}:
            raise serializers.ValidationError(ProjectsField.default_error_messages["unknown"])
        return projects or []

    def validate_environment(self, value: str) -> str:
        if versions.FORBIDDEN.search(value):
            raise serializers.ValidationError("Invalid value for environment")
        return value

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {
            "environment": sent["environment"],
            "projects": sent.get("projects", []),
            "columns": {
                column: sent[name] for name, column in self.COLUMNS.items() if sent.get(name)
            },
        }


class RepositoryInput(Input):
    """A repository, new or changed (organizations contract, section 9), as columns."""

    name = serializers.CharField(max_length=200)
    provider = serializers.ChoiceField(choices=list(PROVIDERS.items()))
    url = serializers.URLField(max_length=MAX_URL, allow_null=True, allow_blank=True)
    status = serializers.CharField()

    # What clients say, old ones too.
    STATUSES = {
        "active": Repository.Status.ACTIVE,
        "visible": Repository.Status.ACTIVE,
        "disabled": Repository.Status.DISABLED,
        "hidden": Repository.Status.HIDDEN,
    }

    def validate_status(self, value: str) -> str:
        if value not in self.STATUSES:
            raise serializers.ValidationError(f'"{value}" is not a valid choice.')
        return self.STATUSES[value]

    def validate_url(self, value: str | None) -> str:
        return value or ""


class RepositoryCreateInput(RepositoryInput):
    """What is wrong with the provider has a type besides (as measured)."""

    must_have = ("name", "provider")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict) and "provider" in error.detail:
                raise serializers.ValidationError(
                    {"error_type": "validation", **error.detail}
                ) from error
            raise
