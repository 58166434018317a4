"""The audit log: who changed what in an organization."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .organization import Organization


class AuditLogEntry(models.Model):
    """One change, as it was when it was made: what it was made to may be gone since."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="audit_log")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    actor_label = models.CharField(max_length=254)
    event = models.CharField(max_length=64)
    target_id = models.BigIntegerField(null=True)
    target_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    data = models.JSONField(default=dict)
    ip_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], name="organizations_audit_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} by {self.actor_label}"
