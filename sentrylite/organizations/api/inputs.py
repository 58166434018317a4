"""Bodies of changes to organizations, teams, members and credentials."""

from typing import Any

import orjson
from rest_framework import serializers

from sentrylite.api import params
from sentrylite.api.inputs import Input, ListOf
from sentrylite.organizations import listings, slugs
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Role, Team

MAX_FIELDS = 200
"""Of data scrubbing: every event is searched for each of them."""
MAX_CONFIG = 100_000


class SlugField(serializers.CharField):
    """A slug as its owner chose it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=slugs.MAX_LENGTH,
            validators=[slugs.is_slug, slugs.is_no_number],
            **kwargs,
        )


class NewSlugField(serializers.RegexField):
    """A slug to change to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            slugs.is_slug.regex,
            max_length=slugs.MAX_LENGTH,
            validators=[slugs.is_no_number],
            **kwargs,
        )


class FieldNamesField(ListOf):
    """Names of fields that data scrubbing looks for, or spares."""

    def __init__(self, **kwargs: Any) -> None:
        name = serializers.CharField(
            max_length=200, error_messages={"blank": "Empty values are not allowed."}
        )
        super().__init__(name, max_length=MAX_FIELDS, **kwargs)


class OrganizationCreateInput(Input):
    must_have = ("name",)

    name = serializers.CharField(max_length=64)
    slug = SlugField(allow_null=True, allow_blank=True)
    defaultTeam = serializers.BooleanField()


class OrganizationUpdateInput(Input):
    """The settings of an organization (organizations contract, section 5).

    `columns` is what it sets. Takes `may_administer` from the context: without that right a default
    role and an end to deletion are overlooked, as any unknown key is.
    """

    name = serializers.CharField(max_length=64)
    slug = NewSlugField()
    isEarlyAdopter = serializers.BooleanField()
    openMembership = serializers.BooleanField()
    allowSharedIssues = serializers.BooleanField()
    allowJoinRequests = serializers.BooleanField()
    enhancedPrivacy = serializers.BooleanField()
    dataScrubber = serializers.BooleanField()
    dataScrubberDefaults = serializers.BooleanField()
    scrubIPAddresses = serializers.BooleanField()
    sensitiveFields = FieldNamesField()
    safeFields = FieldNamesField()
    scrapeJavaScript = serializers.BooleanField()
    storeCrashReports = serializers.IntegerField(min_value=-1, max_value=20)
    attachmentsRole = serializers.CharField()
    relayPiiConfig = serializers.CharField(
        allow_null=True, allow_blank=True, max_length=MAX_CONFIG, trim_whitespace=False
    )
    defaultRole = serializers.ChoiceField(choices=Role.choices)
    cancelDeletion = serializers.BooleanField()

    # What cannot be had here, and says so.
    avatarType = serializers.ChoiceField(choices=["letter_avatar", "upload"])
    require2FA = serializers.BooleanField()
    trustedRelays = serializers.ListField()
    accountRateLimit = serializers.IntegerField(min_value=0, max_value=1_000_000)
    projectRateLimit = serializers.IntegerField(min_value=50, max_value=100)

    COLUMNS = {
        "name": "name",
        "slug": "slug",
        "isEarlyAdopter": "is_early_adopter",
        "openMembership": "open_membership",
        "allowSharedIssues": "allow_shared_issues",
        "allowJoinRequests": "allow_join_requests",
        "enhancedPrivacy": "enhanced_privacy",
        "dataScrubber": "data_scrubber",
        "dataScrubberDefaults": "data_scrubber_defaults",
        "scrubIPAddresses": "scrub_ip_addresses",
        "sensitiveFields": "sensitive_fields",
        "safeFields": "safe_fields",
        "scrapeJavaScript": "scrape_javascript",
        "storeCrashReports": "store_crash_reports",
        "attachmentsRole": "attachments_role",
        "relayPiiConfig": "relay_pii_config",
        "defaultRole": "default_role",
    }

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if not self.context.get("may_administer", True):
            del fields["defaultRole"], fields["cancelDeletion"]
        return fields

    def validate_slug(self, slug: str) -> str:
        if len(slug) < 3:
            raise serializers.ValidationError(
                f'This slug "{slug}" is too short. Minimum of 3 characters.'
            )
        if slug in slugs.RESERVED_FOR_ORGANIZATIONS:
            raise serializers.ValidationError(f'This slug "{slug}" is reserved and not allowed.')
        return slug

    def validate_attachmentsRole(self, role: str) -> str:
        if role not in Role.values:
            raise serializers.ValidationError("Invalid role")
        return role

    def validate_relayPiiConfig(self, text: str | None) -> str:
        if not text:
            return ""
        try:
            if isinstance(orjson.loads(text), dict):
                return text
        except orjson.JSONDecodeError:
            pass
        raise serializers.ValidationError("This is not the text of a JSON object.")

    def validate_avatarType(self, kind: str) -> str:
        if kind == "upload":
            raise serializers.ValidationError("Cannot set avatarType to upload without avatar")
        return kind

    def validate_require2FA(self, is_required: bool) -> bool:
        if is_required:
            raise serializers.ValidationError(
                "Cannot require two-factor authentication without personal two-factor enabled."
            )
        return is_required

    def validate_trustedRelays(self, relays: list[Any]) -> list[Any]:
        if relays:
            raise serializers.ValidationError(
                "Organization does not have the relay feature enabled"
            )
        return relays

    def validate_accountRateLimit(self, limit: int) -> int:
        raise serializers.ValidationError(
            "The accountRateLimit option cannot be configured for this organization"
        )

    def validate_projectRateLimit(self, limit: int) -> int:
        raise serializers.ValidationError(
            "The projectRateLimit option cannot be configured for this organization"
        )

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        sent["columns"] = {column: sent[key] for key, column in self.COLUMNS.items() if key in sent}
        return sent


class TeamCreateInput(Input):
    """A name or a slug: each can be made from the other."""

    name = serializers.CharField(max_length=64, allow_null=True, allow_blank=True)
    slug = SlugField(allow_null=True, allow_blank=True)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if not (sent.get("name") or sent.get("slug")):
            raise serializers.ValidationError("Name or slug is required")
        return sent


class TeamUpdateInput(Input):
    name = serializers.CharField(max_length=64)
    slug = NewSlugField()


class TeamsField(serializers.ListField):
    """The slugs of teams of the organization in the context, to the teams."""

    child = serializers.CharField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=1000, **kwargs)

    def to_internal_value(self, data: Any) -> list[Team]:
        wanted = set(super().to_internal_value(data))
        found = list(listings.teams_of(self.context["organization"]).filter(slug__in=wanted))
        if len(found) < len(wanted):
            raise serializers.ValidationError("Invalid team")
        return found


class TeamRoleInput(Input):
    """A member's part in a team; that there is only one part to play does not matter to it."""

    must_have = ("teamSlug",)

    teamSlug = serializers.CharField()
    role = serializers.CharField(allow_null=True, allow_blank=True)


class MemberInput(Input):
    """What an invitation and a change have in common. Today's names of `role` and `teams` are
    `orgRole` and `teamRoles`; what was sent comes out as the former.

    Needs the organization in the context.
    """

    role = serializers.ChoiceField(choices=Role.choices)
    orgRole = serializers.ChoiceField(choices=Role.choices)
    teams = TeamsField()
    teamRoles = ListOf(TeamRoleInput(partial=True), max_length=1000)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        if "orgRole" in sent:
            sent["role"] = sent["orgRole"]
        if "teamRoles" in sent:
            names = [part["teamSlug"] for part in sent["teamRoles"]]
            try:
                field = self.fields["teams"]
                sent["teams"] = field.run_validation(names)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"teamRoles": error.detail}) from error
        return sent


class MemberInviteInput(MemberInput):
    must_have = ("email",)

    email = serializers.EmailField(max_length=75)
    sendInvite = serializers.BooleanField()


class MemberUpdateInput(MemberInput):
    reinvite = serializers.BooleanField()
    regenerate = serializers.BooleanField()


class ScopesField(ListOf):
    """Some of the scopes there are."""

    def __init__(self, **kwargs: Any) -> None:
        scope = serializers.ChoiceField(choices=sorted(ALL_SCOPES))
        super().__init__(scope, max_length=len(ALL_SCOPES), **kwargs)


class TokenCreateInput(Input):
    must_have = ("scopes",)

    name = serializers.CharField(max_length=64, allow_null=True, allow_blank=True)
    scopes = ScopesField(allow_empty=False)


class TokenDeleteInput(Input):
    """Which token: `token` is its id or the token itself, `tokenId` its id."""

    token = serializers.CharField(max_length=200)
    tokenId = serializers.CharField(max_length=200)

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        text = sent.get("tokenId") or sent.get("token")
        if not text:
            raise serializers.ValidationError({"token": ["This field is required."]})
        is_id = params.is_id(text)
        if "tokenId" in sent and not is_id:
            raise serializers.ValidationError({"tokenId": ["A valid integer is required."]})
        return {"token_id": int(text) if is_id else None, "secret": None if is_id else text}


class ApiKeyInput(Input):
    """A key, new or changed. `allowed_origins` is lines; `status` 0 is on, 1 is off.

    `columns` is what it sets.
    """

    label = serializers.CharField(max_length=64)  # type: ignore[assignment]
    scope_list = ScopesField()
    allowed_origins = serializers.CharField(allow_blank=True, allow_null=True, max_length=10_000)
    status = serializers.ChoiceField(choices=[0, 1])

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if "label" in sent:
            columns["label"] = sent["label"]
        if "scope_list" in sent:
            columns["scopes"] = sorted(set(sent["scope_list"]))
        if "allowed_origins" in sent:
            columns["allowed_origins"] = (sent["allowed_origins"] or "").split()
        if "status" in sent:
            columns["is_active"] = sent["status"] == 0
        return {"columns": columns}
