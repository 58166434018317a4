"""Who owns what and who may do what: organizations, members, teams, projects, keys, tokens."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "sentrylite.organizations"
    label = "organizations"
