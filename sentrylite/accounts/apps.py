"""People who sign in, own tokens and are named in answers."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "sentrylite.accounts"
    label = "accounts"
