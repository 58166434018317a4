"""Bodies of changes to projects and client keys."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from issues.payload.filters import is_network
from sentrylite.api.inputs import Input, ListOf
from sentrylite.organizations import platforms, slugs
from sentrylite.organizations.models import ProjectSettings
from sentrylite.organizations.models.project import LONGEST_WINDOW, BrowserSdk, is_key

from .inputs import (
    MAX_CONFIG,
    FieldNamesField,
    NewSlugField,
    OrganizationUpdateInput,
    SlugField,
)

MAX_DOMAINS = 200
MAX_COUNT = 2**31 - 1
MAX_FILTERS = 200
"""Values of an inbound filter: every event is compared with each of them."""
MAX_RESOLVE_AGE = 24 * 365
"""Hours."""

GROUPING_CONFIGS = ["newstyle:2019-10-29", "newstyle:2019-05-08", "legacy:2019-03-12"]
ENHANCEMENTS_BASES = ["common:2019-03-23", "legacy:2019-03-12"]


class PlatformField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, allow_blank=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        platform = super().to_internal_value(data)
        if platform and (len(platform) > 64 or not platforms.is_known(platform)):
            raise serializers.ValidationError("Invalid platform")
        return platform


class DomainsField(serializers.ListField):
    """Origins that browsers may send events from: `*`, `host`, `*.host`, with a scheme or a port
    if need be."""

    child = serializers.RegexField(
        r"\A(?:\*|(?:[a-zA-Z*][\w+.-]*://)?(?:\*\.?|\[)?[^\s*/:,?#@]*\]?(?::\d{1,5})?(?:/\S*)?)\Z",
        max_length=200,
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_DOMAINS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        try:
            domains = [domain for domain in super().to_internal_value(data) if domain]
        except serializers.ValidationError as error:
            if isinstance(data, list) and isinstance(error.detail, dict):
                bad = data[int(next(iter(error.detail)))]
                text = f"{str(bad)[:200]} is not an acceptable domain"
                raise serializers.ValidationError(text) from error
            raise
        if not domains:
            raise serializers.ValidationError(
                "Empty value will block all requests, use * to accept from all domains"
            )
        return domains


class LinesField(serializers.CharField):
    """A list as text, one value a line, checked by the field for such lists."""

    def __init__(self, field: serializers.Field, *, lower: bool = True) -> None:
        super().__init__(allow_blank=True, max_length=MAX_CONFIG)
        self.of, self.lower = field, lower

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        lines = [line.strip() for line in (text.lower() if self.lower else text).splitlines()]
        return self.of.run_validation([line for line in lines if line])


class AddressField(serializers.CharField):
    """An IP address, or a network of them."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_network(text):
            raise serializers.ValidationError(f"{text[:200]} is not an acceptable IP address")
        return text


def filter_lines(child: serializers.Field, *, lower: bool = True) -> LinesField:
    """The values of an inbound filter, each checked by the field."""
    return LinesField(ListOf(child, max_length=MAX_FILTERS), lower=lower)


class ProjectCreateInput(Input):
    must_have = ("name",)

    name = serializers.CharField(max_length=64)
    slug = SlugField(allow_null=True, allow_blank=True)
    platform = PlatformField()
    # Alerts of a new project; there are none yet that could be left out.
    default_rules = serializers.BooleanField()


class ProjectMarksInput(Input):
    """What anybody who reads a project may want of it for himself."""

    isBookmarked = serializers.BooleanField()
    isSubscribed = serializers.BooleanField()

    COLUMNS = {"isBookmarked": "is_bookmarked", "isSubscribed": "is_subscribed"}

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {column: sent[key] for key, column in self.COLUMNS.items() if key in sent}


class SettingsField(serializers.CharField):
    """A text of a project's settings: null is none."""

    def __init__(self, max_length: int = MAX_CONFIG, **kwargs: Any) -> None:
        super().__init__(allow_null=True, allow_blank=True, max_length=max_length, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> str:
        return super().run_validation(data) or ""


class AgeField(serializers.IntegerField):
    """Hours; null is never."""

    def __init__(self) -> None:
        super().__init__(allow_null=True, min_value=0, max_value=MAX_RESOLVE_AGE)

    def run_validation(self, data: Any = serializers.empty) -> int:
        return super().run_validation(data) or 0


def options() -> dict[str, serializers.Field]:
    """The settings that have another name among the `options`, with how they are read there."""
    return {
        "sentry:origins": LinesField(DomainsField()),
        "sentry:resolve_age": AgeField(),
        "sentry:scrub_data": serializers.BooleanField(),
        "sentry:scrub_defaults": serializers.BooleanField(),
        "sentry:safe_fields": LinesField(FieldNamesField()),
        "sentry:sensitive_fields": LinesField(FieldNamesField()),
        "sentry:scrub_ip_address": serializers.BooleanField(),
        "sentry:default_environment": SettingsField(64),
        "sentry:reprocessing_active": serializers.BooleanField(),
        "mail:subject_prefix": SettingsField(200, trim_whitespace=False),
        "feedback:branding": serializers.BooleanField(),
        "sentry:csp_ignored_sources_defaults": serializers.BooleanField(),
        "sentry:csp_ignored_sources": filter_lines(serializers.CharField(max_length=200)),
        "sentry:blacklisted_ips": filter_lines(AddressField()),
        "filters:blacklisted_ips": filter_lines(AddressField()),
        "filters:releases": filter_lines(serializers.CharField(max_length=250)),
        "filters:error_messages": filter_lines(serializers.CharField(max_length=1000), lower=False),
    }


class OptionsInput(Input):
    """The `options` of a project, whose names no attribute could have."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return options()


class OptionsField(serializers.Field):
    """What is no object is overlooked, as unknown keys are."""

    accepts = OptionsInput

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            return {}
        body = OptionsInput(data=data, partial=True)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)


class ProjectUpdateInput(Input):
    """The settings of a project (projects contract, section 4): `columns` of its own row and
    `settings` are what it sets.

    Needs the current settings in the context as `settings`.
    """

    name = serializers.CharField(max_length=200, allow_null=True, allow_blank=True)
    slug = NewSlugField(allow_null=True, allow_blank=True)
    platform = PlatformField()
    resolveAge = AgeField()
    allowedDomains = DomainsField()
    dataScrubber = serializers.BooleanField()
    dataScrubberDefaults = serializers.BooleanField()
    sensitiveFields = FieldNamesField()
    safeFields = FieldNamesField()
    scrubIPAddresses = serializers.BooleanField()
    digestsMinDelay = serializers.IntegerField(min_value=60, max_value=3600)
    digestsMaxDelay = serializers.IntegerField(min_value=60, max_value=3600)
    subjectPrefix = SettingsField(200, trim_whitespace=False)
    subjectTemplate = SettingsField(200)
    securityToken = serializers.RegexField(r"\A[-a-zA-Z0-9+/=\s]+\Z", max_length=255)
    securityTokenHeader = serializers.RegexField(
        r"\A[a-zA-Z0-9_\-]+\Z", max_length=20, allow_null=True, allow_blank=True
    )
    verifySSL = serializers.BooleanField()
    scrapeJavaScript = serializers.BooleanField()
    storeCrashReports = serializers.IntegerField(min_value=-1, max_value=20)
    defaultEnvironment = SettingsField(64)
    relayPiiConfig = SettingsField(trim_whitespace=False)
    groupingConfig = serializers.ChoiceField(choices=GROUPING_CONFIGS)
    groupingEnhancements = SettingsField(trim_whitespace=False)
    groupingEnhancementsBase = serializers.ChoiceField(choices=ENHANCEMENTS_BASES)
    fingerprintingRules = SettingsField(trim_whitespace=False)
    options = OptionsField(allow_null=True)
    copy_from_project = serializers.IntegerField(min_value=1, max_value=2**63 - 1)

    COLUMNS = {
        "name": "name",
        "slug": "slug",
        "platform": "platform",
        "resolveAge": "resolve_age",
        "sentry:resolve_age": "resolve_age",
        "allowedDomains": "allowed_domains",
        "sentry:origins": "allowed_domains",
        "dataScrubber": "data_scrubber",
        "sentry:scrub_data": "data_scrubber",
        "dataScrubberDefaults": "data_scrubber_defaults",
        "sentry:scrub_defaults": "data_scrubber_defaults",
        "sensitiveFields": "sensitive_fields",
        "sentry:sensitive_fields": "sensitive_fields",
        "safeFields": "safe_fields",
        "sentry:safe_fields": "safe_fields",
        "scrubIPAddresses": "scrub_ip_addresses",
        "sentry:scrub_ip_address": "scrub_ip_addresses",
        "sentry:csp_ignored_sources": "csp_ignored_sources",
        "sentry:csp_ignored_sources_defaults": "csp_ignored_sources_defaults",
        "sentry:blacklisted_ips": "blacklisted_ips",
        "filters:blacklisted_ips": "blacklisted_ips",
        "filters:releases": "filtered_releases",
        "filters:error_messages": "filtered_error_messages",
    }
    SETTINGS = {
        "digestsMinDelay": "digests_min_delay",
        "digestsMaxDelay": "digests_max_delay",
        "subjectPrefix": "subject_prefix",
        "mail:subject_prefix": "subject_prefix",
        "subjectTemplate": "subject_template",
        "securityToken": "security_token",
        "securityTokenHeader": "security_token_header",
        "verifySSL": "verify_ssl",
        "scrapeJavaScript": "scrape_javascript",
        "storeCrashReports": "store_crash_reports",
        "defaultEnvironment": "default_environment",
        "sentry:default_environment": "default_environment",
        "relayPiiConfig": "relay_pii_config",
        "groupingConfig": "grouping_config",
        "groupingEnhancements": "grouping_enhancements",
        "groupingEnhancementsBase": "grouping_enhancements_base",
        "fingerprintingRules": "fingerprinting_rules",
        "feedback:branding": "feedback_branding",
        "sentry:reprocessing_active": "reprocessing_active",
    }

    validate_relayPiiConfig = OrganizationUpdateInput.validate_relayPiiConfig

    def validate_slug(self, slug: str | None) -> str | None:
        if slug in slugs.RESERVED_FOR_PROJECTS:
            raise serializers.ValidationError(f'The slug "{slug}" is reserved and not allowed.')
        return slug

    def validate_platform(self, platform: str | None) -> str:
        return platform or ""

    def validate_securityTokenHeader(self, header: str | None) -> str:
        return header or ""

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        for name in ("name", "slug"):
            if not sent.get(name, True):
                del sent[name]
        sent |= sent.pop("options", None) or {}
        settings = {column: sent[key] for key, column in self.SETTINGS.items() if key in sent}
        self._check_delays(settings)
        sent["settings"] = settings
        sent["columns"] = {column: sent[key] for key, column in self.COLUMNS.items() if key in sent}
        return sent

    def _check_delays(self, settings: dict[str, Any]) -> None:
        now: ProjectSettings = self.context["settings"]
        shortest = settings.get("digests_min_delay", now.digests_min_delay)
        if shortest > settings.get("digests_max_delay", now.digests_max_delay):
            text = "The minimum delay on digests must be lower than the maximum."
            raise serializers.ValidationError({"digestsMinDelay": [text]})


class ProjectInput(ProjectMarksInput, ProjectUpdateInput):
    """All that a body may say: each of these reads its own part."""


NO_TEAM = "Editing a team via this endpoint has been deprecated."
ADMIN_FIELDS = frozenset(ProjectUpdateInput().fields) | {"team"}
"""What only those who may write a project may send."""


class EnvironmentInput(Input):
    must_have = ("isHidden",)

    isHidden = serializers.BooleanField()


class HalfField(serializers.RegexField):
    """One half of a client key."""

    def __init__(self) -> None:
        super().__init__(is_key.regex, allow_null=True, allow_blank=True)


class LimitInput(Input):
    """So many events in so many seconds; without either there is no limit."""

    must_have = ("count", "window")

    count = serializers.IntegerField(min_value=0, max_value=MAX_COUNT, allow_null=True)
    window = serializers.IntegerField(min_value=0, max_value=LONGEST_WINDOW, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, int | None]:
        if isinstance(data, Mapping):
            data = {name: None if data[name] == "" else data[name] for name in data}
        return super().to_internal_value(data)


class KeyInput(Input):
    """A client key; what is sent as null or empty is as if it were not. `columns` is what it
    sets."""

    name = serializers.CharField(max_length=64, allow_null=True, allow_blank=True)
    isActive = serializers.BooleanField(allow_null=True)
    rateLimit = LimitInput(partial=True, allow_null=True)
    browserSdkVersion = serializers.ChoiceField(
        choices=BrowserSdk.choices, allow_null=True, allow_blank=True
    )

    COLUMNS = {"name": "label", "isActive": "is_active"}

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        columns = {
            column: sent[key]
            for key, column in self.COLUMNS.items()
            if sent.get(key) not in (None, "")
        }
        if "browserSdkVersion" in sent:
            columns["browser_sdk"] = sent["browserSdkVersion"] or BrowserSdk.V5
        if "rateLimit" in sent:
            limit = sent["rateLimit"] or {}
            count, window = limit.get("count"), limit.get("window")
            is_limit = count is not None and window is not None
            columns["rate_limit_count"] = count if is_limit else None
            columns["rate_limit_window"] = window if is_limit else None
        sent["columns"] = columns
        return sent


class KeyCreateInput(KeyInput):
    public = HalfField()
    secret = HalfField()

    COLUMNS = {**KeyInput.COLUMNS, "public": "public_key", "secret": "secret_key"}
