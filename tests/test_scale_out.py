"""What lets the tables that grow with events be distributed by project later, unchanged."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

GROWING = [
    "issues_event",
    "issues_eventaddress",
    "issues_eventuser",
    "issues_issuehash",
    "issues_issuerelease",
    "issues_issuetag",
    "issues_issuetext",
    "issues_issueuser",
    "releases_releasehealth",
    "releases_trackedsession",
    "stats_issueday",
    "stats_seriescount",
]


@pytest.mark.parametrize("table", GROWING)
def test_every_key_and_ordered_index_begins_with_the_project(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, attname FROM pg_index"
            " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
            " JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam"
            " WHERE indrelid = %s::regclass AND amname = 'btree'",
            [table],
        )
        first_columns = dict(cursor.fetchall())
    assert first_columns
    assert set(first_columns.values()) == {"project_id"}


@pytest.mark.parametrize("table", GROWING)
def test_nothing_ties_them_to_other_tables(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND %s::regclass IN (conrelid, confrelid)"
            " UNION SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass",
            [table, table],
        )
        assert cursor.fetchall() == []


def test_no_table_that_grows_with_events_is_forgotten() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " WHERE column_name = 'project_id' AND table_schema = 'public'"
            " AND table_name ~ '^(issues|releases|stats)_' AND table_name !~ '^issues_event_'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    # What grows with people and with projects has ordinary keys.
    ordinary = {
        "issues_issue",
        "issues_projectownership",
        "issues_userreport",
        "releases_artifactbundle_projects",
        "releases_deployproject",
        "releases_releaseproject",
    }
    assert tables - ordinary == set(GROWING)
