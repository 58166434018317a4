import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython, RunSQL

pytestmark = pytest.mark.django_db

OURS = {"accounts", "organizations", "stats", "files", "releases", "issues", "background"}


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_migration_of_ours_can_be_taken_back() -> None:
    loader = MigrationLoader(connection)
    for (app, name), migration in loader.disk_migrations.items():
        if app in (
            "accounts",
            "organizations",
            "stats",
            "files",
            "releases",
            "issues",
            "background",
        ):
            for operation in migration.operations:
                if isinstance(operation, RunSQL | RunPython):
                    assert operation.reversible, f"{app}.{name}"
