"""`serve --demo`: an organization full of events, somebody to sign in as, and a token."""

import secrets
import sys
from pathlib import Path

from django.core.management import call_command
from django.db import transaction

from issues.models import Issue
from sentrylite.organizations import access, actions, dsn
from sentrylite.organizations.models import ApiToken, Organization, Project, Role
from sentrylite.organizations.models.token import hash_secret

from . import files

SLUG = "demo"
EMAIL = "demo@localhost"


def prepare(path: Path, url: str) -> None:
    """Make the demo if the database has none, and describe it in the file at `path`.

    The token and the password are only there: when the file is lost, or belongs to another
    database, both are made anew. A demo that was cut short is completed.
    """
    demo = files.read_demo(path)
    if not _is_known(demo):
        demo = _make_credentials()
        files.write_demo(path, demo)
    if demo.get("filled") is None:
        call_command("demo", organization=SLUG, stdout=sys.stderr)
        _join_teams()
        demo["filled"] = "yes"
    files.write_demo(path, demo | _describe(url))


def _is_known(demo: files.Demo) -> bool:
    secret = demo.get("token")
    return bool(secret) and ApiToken.objects.filter(secret_hash=hash_secret(str(secret))).exists()


@transaction.atomic
def _make_credentials() -> files.Demo:
    organization = actions.ensure_organization(slug=SLUG)
    user = actions.ensure_user(email=EMAIL, is_superuser=True)
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    actions.ensure_member(organization, user, role=Role.OWNER)
    token = actions.create_token(user, scopes=access.ALL_SCOPES, name="demo")
    return {"email": user.email, "password": password, "token": token.secret}


def _join_teams() -> None:
    """So that lists of one's own projects and teams show those of the demo."""
    organization = Organization.objects.get(slug=SLUG)
    for member in organization.members.select_related("user").filter(user__email=EMAIL):
        if member.user:
            teams = organization.teams.all()
            actions.ensure_member(organization, member.user, role=Role.OWNER, teams=teams)


def _describe(url: str) -> files.Demo:
    """What there is to look at, as it is now."""
    organization = Organization.objects.get(slug=SLUG)
    issue = (
        Issue.objects.filter(project__organization=organization, status=Issue.Status.UNRESOLVED)
        .order_by("-times_seen", "pk")
        .first()
    )
    project = (
        issue.project if issue else Project.objects.filter(organization=organization).earliest("pk")
    )
    _, key = actions.ensure_project(organization, slug=project.slug)
    return {
        "organization": organization.slug,
        "project": project.slug,
        "project_id": str(project.pk),
        "dsn": dsn.build(key.public_key, project.pk, base_url=url),
        "issue": str(issue.pk) if issue else None,
    }
