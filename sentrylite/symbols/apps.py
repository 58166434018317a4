"""What turns addresses and minified positions back into source code."""

from django.apps import AppConfig


class SymbolsConfig(AppConfig):
    name = "sentrylite.symbols"
