from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython, RunSQL

from issues.models import IssueHash
from tests import factories

pytestmark = pytest.mark.django_db

EARLIER = datetime(2026, 2, 27, tzinfo=UTC)

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


def test_hashes_that_were_known_before_find_their_last_events() -> None:
    migration = import_module("issues.migrations.0021_find_last_events")
    issues = [factories.IssueFactory() for _ in range(3)]
    hashes = [UUID(int=number) for number in range(4)]
    for hash, issue in zip(hashes, [issues[0], *issues], strict=True):
        IssueHash.objects.create(project_id=issue.project_id, hash=hash, issue_id=issue.pk)
    factories.make_event(issues[0], {"hashes": [hashes[0].hex]}, timestamp=EARLIER)
    last = [
        factories.make_event(issues[0], {"hashes": [hashes[1].hex, hashes[2].hex]}),
        factories.make_event(issues[1], {"hashes": [hashes[2].hex]}),
    ]
    factories.make_event(issues[2], {"hashes": "odd"})

    migration.find_last_events(None, SimpleNamespace(connection=connection))

    found = {row.hash: (row.last_event_id, row.last_event_at) for row in IssueHash.objects.all()}
    assert found == {
        hashes[0]: (None, None),
        hashes[1]: (last[0].event_id, last[0].timestamp),
        hashes[2]: (last[1].event_id, last[1].timestamp),
        hashes[3]: (None, None),
    }
