"""The people of a server."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class User(AbstractUser):
    """Somebody who can sign in, hold tokens, be assigned to issues."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=200, blank=True)
    last_active_at = models.DateTimeField(null=True, blank=True, editable=False)

    REQUIRED_FIELDS = ["email"]

    class Meta(AbstractUser.Meta):
        indexes = [models.Index(Lower("email"), name="accounts_user_email")]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name people see: name, else e-mail address, else user name."""
        return self.name or self.email or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.username


class LoginAttempts(models.Model):
    """How often somebody tried to sign in lately: from an address, to an account, or both."""

    # What is counted is kept as a keyed hash: people type passwords where names belong.
    key = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField()
    attempts = models.PositiveIntegerField()
    # When it was the right password, if it ever was.
    signed_in_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "login attempts"

    def __str__(self) -> str:
        return f"{self.attempts} since {self.since}"
