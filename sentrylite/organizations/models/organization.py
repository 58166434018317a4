"""Organizations and the people in them."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

if TYPE_CHECKING:
    from .team import Team


class Status(models.TextChoices):
    """What an organization, team or project is up to. Only active ones are seen and used."""

    ACTIVE = "active", "active"
    PENDING_DELETION = "pending_deletion", "pending deletion"
    DELETION_IN_PROGRESS = "deletion_in_progress", "deletion in progress"


class Role(models.TextChoices):
    """A member's role; what each may do is in `sentrylite.organizations.access`."""

    MEMBER = "member", "Member"
    ADMIN = "admin", "Admin"
    MANAGER = "manager", "Manager"
    OWNER = "owner", "Owner"

    @property
    def is_global(self) -> bool:
        """Managers and owners reach every team and project."""
        return self in (Role.MANAGER, Role.OWNER)


class Deletable(models.Model):
    """Something that is hidden at once when it is deleted, and removed later."""

    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class ScrubbingSettings(models.Model):
    """What is taken out of events before they are stored (ingest contract, section 14)."""

    data_scrubber = models.BooleanField(default=True)
    data_scrubber_defaults = models.BooleanField(default=True)
    sensitive_fields = models.JSONField(default=list, blank=True)
    safe_fields = models.JSONField(default=list, blank=True)
    scrub_ip_addresses = models.BooleanField("scrub IP addresses", default=False)

    class Meta:
        abstract = True


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def active(self) -> "OrganizationQuerySet":
        return self.filter(status=Status.ACTIVE)


class Organization(ScrubbingSettings, Deletable):
    """The owner of teams, projects and releases; nothing is shared between two of them."""

    name = models.CharField(max_length=64)
    slug = models.SlugField(max_length=50, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    default_role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    open_membership = models.BooleanField(
        default=True, help_text="Members reach every team's projects without joining the team."
    )
    allow_shared_issues = models.BooleanField(default=True)
    allow_join_requests = models.BooleanField(default=True)
    is_early_adopter = models.BooleanField(default=False)

    # What clients and SDKs' events are treated by.
    enhanced_privacy = models.BooleanField(default=False)
    scrape_javascript = models.BooleanField(default=True)
    store_crash_reports = models.SmallIntegerField(
        default=0, help_text="How many of an issue's crash reports are kept; -1 is all."
    )
    attachments_role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    relay_pii_config = models.TextField(blank=True)

    # An organization's scrubbing is off by default: its projects' own settings decide.
    data_scrubber = models.BooleanField(default=False)
    data_scrubber_defaults = models.BooleanField(default=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class OrganizationMember(models.Model):
    """A person's place in an organization, or an invitation to take it (`user` is null).

    An invitation that was sent has a token, of which only the hash is stored.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    teams = models.ManyToManyField(
        "organizations.Team", through="organizations.TeamMembership", related_name="members"
    )

    # Filled by organizations.members, where a page needs them.
    team_list: "list[Team]"
    project_slugs: list[str]

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                "user",
                name="organizations_member_user",
                violation_error_message="This user is a member already.",
            ),
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=~models.Q(email=""),
                name="organizations_member_email",
                violation_error_message="There is an invitation to this address already.",
            ),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(email=""),
                name="organizations_member_user_or_email",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user) if self.user else self.email

    @property
    def is_pending(self) -> bool:
        """Whether this is an invitation that nobody has accepted yet."""
        return self.user_id is None

    def is_expired_at(self, now: datetime) -> bool:
        """Whether it is an invitation that is too old to be accepted."""
        expires_at = self.token_expires_at
        return self.is_pending and expires_at is not None and expires_at <= now
