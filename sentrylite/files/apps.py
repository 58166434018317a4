"""What clients upload, kept once however often it comes."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "sentrylite.files"
