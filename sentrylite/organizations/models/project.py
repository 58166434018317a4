"""Projects, the teams that own them and the keys that SDKs send events with."""

import secrets
from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from .organization import Deletable, Organization, ScrubbingSettings, Status
from .team import Team

LONGEST_WINDOW = 86_400
"""Of a key's rate limit, in seconds."""

is_key = RegexValidator(r"^[0-9a-f]{32}\Z", "A key is 32 lower-case hexadecimal digits.")


def make_key() -> str:
    """A new client key: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def all_domains() -> list[str]:
    return ["*"]


class InboundFilters(models.Model):
    """Which events a project does not want (ingest contract, section 12)."""

    filter_browser_extensions = models.BooleanField(
        default=False, help_text="Errors of extensions that people added to their browsers."
    )
    filter_legacy_browsers = models.JSONField(
        default=list, blank=True, help_text="Browsers too old to care about."
    )
    filter_localhost = models.BooleanField(
        default=False, help_text="Events of developers' own machines."
    )
    filter_web_crawlers = models.BooleanField(
        default=True, help_text="Errors that known crawlers ran into."
    )
    blacklisted_ips = models.JSONField(
        "blacklisted IP addresses",
        default=list,
        blank=True,
        help_text="Addresses and networks (10.0.0.0/8), one a line.",
    )
    filtered_releases = models.JSONField(
        default=list, blank=True, help_text="Versions, in any letter case; * is any text."
    )
    filtered_error_messages = models.JSONField(
        default=list, blank=True, help_text="Messages, or type: message; * is any text."
    )
    csp_ignored_sources_defaults = models.BooleanField(
        "ignore usual CSP sources",
        default=True,
        help_text="Reports of resources that extensions and the like are known to load.",
    )
    csp_ignored_sources = models.JSONField(
        "ignored CSP sources", default=list, blank=True, help_text="More such sources, one a line."
    )

    class Meta:
        abstract = True


class ProjectQuerySet(models.QuerySet["Project"]):
    def active(self) -> "ProjectQuerySet":
        return self.filter(status=Status.ACTIVE, organization__status=Status.ACTIVE)


class Project(ScrubbingSettings, InboundFilters, Deletable):
    """Something that sends events."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=200)
    platform = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    first_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    teams = models.ManyToManyField(Team, through="ProjectTeam", related_name="projects")

    # How many issues there ever were: the next one's short id is one more. Never goes back.
    last_short_id = models.PositiveIntegerField(default=0, editable=False)
    resolve_age = models.PositiveIntegerField(
        default=0, help_text="Hours after which a quiet issue counts as resolved; 0 is never."
    )
    allowed_domains = models.JSONField(
        default=all_domains, blank=True, help_text="Origins that browsers may send events from."
    )

    # Filled by organizations.listings and its neighbours, where a page needs them.
    is_bookmarked: bool  # by the caller
    team_list: list[Team]
    environment_names: list[str]
    seen_platforms: list[str]
    has_reports: bool  # whether users have said something about its events
    latest_version: str | None
    latest_deploys: dict[str, tuple[str, datetime]]  # by environment: version and when
    points: list[list[float]] | None = None

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            # The slug of a deleted project is free at once.
            models.UniqueConstraint(
                fields=["organization", "slug"],
                condition=models.Q(status=Status.ACTIVE),
                name="organizations_project_active_slug",
                violation_error_message="Another project of the organization has this slug.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ProjectSettings(models.Model):
    """What clients may set of a project and events do not ask for, apart from the project's own
    row, which every request reads. A project without a row has the defaults."""

    project = models.OneToOneField(
        Project, models.CASCADE, primary_key=True, related_name="settings"
    )
    subject_prefix = models.CharField(max_length=200, blank=True, default="[Sentry] ")
    subject_template = models.CharField(max_length=200, blank=True, default="$shortID - $title")
    digests_min_delay = models.PositiveIntegerField(default=300, help_text="Seconds.")
    digests_max_delay = models.PositiveIntegerField(default=1800, help_text="Seconds.")
    security_token = models.CharField(max_length=255, default=make_key)
    security_token_header = models.CharField(max_length=20, blank=True)
    verify_ssl = models.BooleanField("verify SSL", default=False)
    scrape_javascript = models.BooleanField(default=True)
    store_crash_reports = models.SmallIntegerField(
        default=0, help_text="How many of an issue's crash reports are kept; -1 is all."
    )
    default_environment = models.CharField(max_length=64, blank=True)
    relay_pii_config = models.TextField(blank=True)
    grouping_config = models.CharField(max_length=64, default="newstyle:2019-10-29")
    grouping_enhancements = models.TextField(blank=True)
    grouping_enhancements_base = models.CharField(max_length=64, default="common:2019-03-23")
    fingerprinting_rules = models.TextField(blank=True)
    feedback_branding = models.BooleanField(default=True)
    reprocessing_active = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "project settings"

    def __str__(self) -> str:
        return f"settings of {self.project}"


class ProjectRedirect(models.Model):
    """A slug that a project had before: its addresses lead to where the project is now."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    slug = models.SlugField(max_length=50, db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="redirects")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "slug"], name="organizations_projectredirect_slug"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} to {self.project}"


class ProjectPreference(models.Model):
    """What one person wants of a project."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="preferences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    is_bookmarked = models.BooleanField(default=False)
    is_subscribed = models.BooleanField(default=True, help_text="To mails about its issues.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"], name="organizations_projectpreference_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.project} for {self.user}"


class ProjectTeam(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="project_teams")
    team = models.ForeignKey(Team, models.CASCADE, related_name="project_teams")

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "team", name="organizations_projectteam_team")
        ]

    def __str__(self) -> str:
        return f"{self.project} of {self.team}"


class ProjectPlatform(models.Model):
    """A platform that events of a project came from, as they say."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="project_platforms")
    platform = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "project", "platform", name="organizations_projectplatform_platform"
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform} in {self.project}"


class BrowserSdk(models.TextChoices):
    """The version of the browser SDK that a page is to load with a key."""

    LATEST = "latest", "latest"
    V5 = "5.x", "5.x"
    V4 = "4.x", "4.x"


class ProjectKey(models.Model):
    """A client key. Its public half is in every DSN; holding it lets anyone send events."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="keys")
    label = models.CharField(max_length=64, default="Default")
    public_key = models.CharField(max_length=32, unique=True, default=make_key, validators=[is_key])
    secret_key = models.CharField(max_length=32, default=make_key, validators=[is_key])
    is_active = models.BooleanField(default=True)
    browser_sdk = models.CharField(max_length=10, choices=BrowserSdk, default=BrowserSdk.V5)
    created_at = models.DateTimeField(default=timezone.now)

    # So many error events in so many seconds; both null, or either 0, is no limit.
    rate_limit_count = models.PositiveIntegerField(null=True, blank=True)
    rate_limit_window = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(LONGEST_WINDOW)],
        help_text="Seconds, at most a day.",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rate_limit_count=None, rate_limit_window=None)
                | models.Q(rate_limit_count__isnull=False, rate_limit_window__isnull=False),
                name="organizations_projectkey_rate_limit",
                violation_error_message="A rate limit has both a count and a window.",
            )
        ]

    def __str__(self) -> str:
        return self.label


class KeyWindow(models.Model):
    """How much of its rate limit a key has used, in the window it used it last."""

    # Without a constraint: a batch of events never waits for, nor fails on, a key being deleted.
    key = models.OneToOneField(
        ProjectKey, models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )
    start = models.BigIntegerField(help_text="Epoch seconds, a multiple of the window.")
    seconds = models.PositiveIntegerField()
    asked = models.BigIntegerField(help_text="Events that asked to be let in.")

    def __str__(self) -> str:
        return f"{self.asked} from {self.start} on"
