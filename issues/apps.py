"""Events and the issues they form."""

from django.apps import AppConfig


class IssuesConfig(AppConfig):
    name = "issues"
