"""`sentrylite setup`: an organization, a team, a project, a member and a token, in one go."""

import json
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.core.validators import validate_email
from django.db import transaction

from sentrylite import schema
from sentrylite.organizations import access, actions, dsn, slugs
from sentrylite.organizations.models import Organization, Role

OWNER = "admin@localhost"

EPILOG = """\
Nothing is made twice and nothing that is there is changed, so it can be run again: with another
--email, --role and --scopes to add people and tokens. A token is shown once, when it is made;
every run makes one.

examples:
  sentrylite setup --organization acme --project web-shop --platform python
  sentrylite setup --organization acme --email ann@example.com --password … --superuser
  sentrylite setup --organization acme --email bot@example.com --role member --scopes event:read
  sentrylite setup --organization acme --project web-shop --json
"""


class Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's options last, our examples line by line."""


class Command(BaseCommand):
    help = "Make what is missing of an organization, and a new API token for somebody in it."
    requires_system_checks = []  # they take longer than the command

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=Formatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--team",
            metavar="SLUG",
            help="default with --project: one named like the organization",
        )
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument(
            "--platform", default="", help="of a new project: python, javascript, java, …"
        )
        parser.add_argument("--email", help=f"whose token it is; default {OWNER}, an owner")
        parser.add_argument("--password", help="for a new person to sign in with; default none")
        parser.add_argument(
            "--role",
            choices=Role.values,
            help="of a new member; default owner for the first, else the organization's default",
        )
        parser.add_argument(
            "--scopes",
            metavar="S,S",
            help="of the token, separated by commas; default all that the role allows",
        )
        parser.add_argument(
            "--superuser", action="store_true", help="let the person into the back office, /admin/"
        )
        # Read by sentrylite.cli, before there are settings.
        parser.add_argument(
            "--data-dir", metavar="DIR", help="the server's data directory, if it has another"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object and no more")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = Namespace(**options)
        scopes = _read_scopes(arguments.scopes)
        _check_slugs(arguments)
        try:
            validate_email(arguments.email or OWNER)
            schema.ensure()
            made = _set_up(arguments, scopes)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except schema.Unusable as error:
            raise CommandError(str(error)) from error
        if arguments.json:
            self.stdout.write(json.dumps(made, indent=2))
        else:
            for name, value in made.items():
                text = ", ".join(value) if isinstance(value, list) else value or "-"
                self.stdout.write(f"{name:<13} {text}")
            self.stderr.write("The token is not shown again.")


@transaction.atomic
def _set_up(arguments: Namespace, scopes: access.Scopes | None) -> dict[str, Any]:
    """All of it or nothing."""
    organization = actions.ensure_organization(slug=arguments.organization)
    team = project = key = None
    if team_slug := arguments.team or (arguments.project and organization.slug):
        team = actions.ensure_team(organization, slug=team_slug)
    teams = [team] if team else []
    if arguments.project:
        project, key = actions.ensure_project(
            organization, slug=arguments.project, platform=arguments.platform, teams=teams
        )
    user = actions.ensure_user(
        email=arguments.email or OWNER,
        password=arguments.password,
        is_superuser=arguments.superuser,
    )
    member = actions.ensure_member(
        organization, user, role=_role_of_a_new_member(arguments, organization), teams=teams
    )
    if arguments.role and member.role != arguments.role:
        raise CommandError(
            f"{user} is in {organization.slug} as {member.role}, not as {arguments.role}. Name"
            " another --email, or leave --role out."
        )
    token = actions.create_token(
        user,
        scopes=access.ROLE_SCOPES[member.role] if scopes is None else scopes,
        name="sentrylite setup",
    )
    return {
        "organization": organization.slug,
        "team": team and team.slug,
        "project": project and project.slug,
        "project_id": project and str(project.pk),
        "dsn": project and key and dsn.build(key.public_key, project.pk),
        "token": token.secret,
        "email": user.email,
        "role": member.role,
        "scopes": token.scopes,
    }


def _role_of_a_new_member(arguments: Namespace, organization: Organization) -> Role:
    if arguments.role:
        return Role(arguments.role)
    if arguments.email is None or not organization.members.exists():
        return Role.OWNER  # somebody has to be
    return Role(organization.default_role)


def _check_slugs(arguments: Namespace) -> None:
    for name in ("organization", "team", "project"):
        slug = getattr(arguments, name)
        try:
            if slug is not None:
                slugs.validate(slug)
        except ValidationError as error:
            raise CommandError(f"--{name} {slug}: {' '.join(error.messages)}") from error


def _read_scopes(text: str | None) -> access.Scopes | None:
    if text is None:
        return None
    scopes = frozenset(filter(None, (scope.strip() for scope in text.split(","))))
    if unknown := sorted(scopes - access.ALL_SCOPES):
        known = ", ".join(sorted(access.ALL_SCOPES))
        raise CommandError(f"Unknown scopes: {', '.join(unknown)}. There are: {known}.")
    return scopes
