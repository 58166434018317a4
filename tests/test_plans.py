"""Every list is read by an index, also when there are many issues and events.

The statements that the paths run are explained in a database that `benchmarks.bulk` fills: with a
part of them in every run, with all of them by `make test-large`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from benchmarks import audit, bulk
from issues import events, queries
from sentrylite.organizations.access import ALL_SCOPES
from tests import factories
from tests.test_scale_out import GROWING

SIZES = [
    pytest.param((6_000, 30_000), id="part"),
    pytest.param((200_000, 2_000_000), id="all", marks=pytest.mark.large),
]

TABLES = {*GROWING, "issues_issue", "issues_activity"}
PARTITION = "issues_event_20"


@dataclass
class Filled:
    api: APIClient
    busiest: int
    """The project's issue with most events."""
    event: str
    """One of its events."""
    number: int
    """What the text of one issue ends with."""


pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", params=SIZES)
def filled(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Filled]:
    issues, count = request.param
    with django_db_blocker.unblock(), transaction.atomic():
        yield fill(issues, count)
        transaction.set_rollback(True)


def fill(issues: int, count: int) -> Filled:
    organization = factories.OrganizationFactory(slug="acme")
    team = factories.TeamFactory(organization=organization)
    member = factories.OrganizationMemberFactory(
        organization=organization, role="owner", teams=[team]
    )
    projects = [
        factories.ProjectFactory(organization=organization, slug=f"project-{number}", teams=[team])
        for number in range(len(bulk.SHARES))
    ]
    keys = [factories.ProjectKeyFactory(project=project) for project in projects]
    place = bulk.Place(
        organization.pk,
        [project.pk for project in projects],
        [key.pk for key in keys],
        member.user.pk,
    )
    token = factories.ApiTokenFactory(user=member.user, scopes=sorted(ALL_SCOPES))
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    with connection.cursor() as cursor:
        bulk.fill(cursor, place, issues=issues, events=count, now=datetime.now(UTC), is_quiet=True)
        cursor.execute(
            "SELECT id FROM issues_issue WHERE project_id = %s ORDER BY times_seen DESC LIMIT 1",
            [projects[0].pk],
        )
        (busiest,) = cursor.fetchone()
        cursor.execute(
            "SELECT replace(event_id::text, '-', '') FROM issues_event"
            " WHERE project_id = %s AND issue_id = %s LIMIT 1",
            [projects[0].pk, busiest],
        )
        (event,) = cursor.fetchone()
    return Filled(api, busiest, event, issues // 2)


# What is asked, and how many rows a sort may have to sort.
PROJECT = "/api/0/projects/acme/project-0"
ISSUE = "/api/0/issues/{busiest}"
PAGE = 102


def issues(**query: str) -> str:
    return f"{PROJECT}/issues/?{urlencode(query)}"


REQUESTS = {
    "issue details": f"{ISSUE}/",
    "issues": issues(),
    "issues, by first seen": issues(sort="new"),
    "issues, by frequency": issues(sort="freq"),
    "issues, by priority": issues(sort="priority"),
    "issues, all statuses": issues(query=""),
    "issues, second page": issues(cursor="1790000000000:3:0"),
    "issues, frequent tag": issues(query="is:unresolved level:error"),
    "issues, less frequent tag": issues(query="is:unresolved tenant:t42"),
    "issues, rare tag": issues(query="is:unresolved user:id:4999"),
    "issues, absent tag": issues(query="is:unresolved tenant:none"),
    "issues, two tags": issues(query="is:unresolved region:eu-west-1 server_name:web-3"),
    "issues, a tag by priority": issues(query="level:error", sort="priority"),
    "issues, common word": issues(query="is:unresolved shop"),
    "issues, rare word": issues(query="number {number}"),
    "issues, absent word": issues(query="zebra crossing"),
    "issues, word and tag": issues(query="is:unresolved shop tenant:t42"),
    "issues, message": issues(query='message:"*number {number}*"'),
    "issues, absent": issues(query="timesSeen:>0 zebra", sort="freq"),
    "issue's events": f"{ISSUE}/events/",
    "issue's events, common word": f"{ISSUE}/events/?query=shop",
    "issue's events, absent word": f"{ISSUE}/events/?query=zebra",
    "issue's events, absent tag": f"{ISSUE}/events/?query=tenant:none",
    "issue's events, one environment": f"{ISSUE}/events/?environment=staging",
    "project's events": f"{PROJECT}/events/",
    "project's events, absent word": f"{PROJECT}/events/?query=zebra",
    "event details": f"{PROJECT}/events/{{event}}/",
    "latest event": f"{ISSUE}/events/latest/",
    "oldest event": f"{ISSUE}/events/oldest/",
    "hashes": f"{ISSUE}/hashes/",
    "notes": f"{ISSUE}/notes/",
    "event id": "/api/0/organizations/acme/eventids/{event}/",
    "short id": "/api/0/organizations/acme/shortids/PROJECT-0-1/",
    "organization stats": "/api/0/organizations/acme/stats/",
    "organization's projects' stats": "/api/0/organizations/acme/stats/?group=project",
    "project stats": f"{PROJECT}/stats/",
}
# Counts change with every event and are in no index: all values of an issue's tag are sorted.
SORTING = {"tags": f"{ISSUE}/tags/", "tag values": f"{ISSUE}/tags/user/values/"}
# Of those that an index found, a page is made by sorting them.
SORTED = queries.MAX_HITS
# What nearly all issues have in their texts is met soon in any order of them, also between those of
# other projects.
MET = {"issues_issuetext": len(bulk.SHARES) * (queries.FEW + 1)}


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
@pytest.mark.parametrize("name", [*REQUESTS, *SORTING])
def test_an_index_reads_it(filled: Filled, name: str, mode: str) -> None:
    path = (REQUESTS | SORTING)[name].replace("%7B", "{").replace("%7D", "}")
    place = {"busiest": filled.busiest, "event": filled.event, "number": filled.number}
    with CaptureQueriesContext(connection) as captured:
        response = filled.api.get(path.format(**place))
    assert response.status_code == 200, response.content
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
    statements = [query["sql"] for query in captured.captured_queries]
    reads = [sql for sql in statements if sql.lstrip(" \n(").startswith(("SELECT", "EXECUTE"))]
    assert reads
    for sql in reads:
        nodes = list(explain(sql))
        scanned = {
            table
            for node in nodes
            if "Seq Scan" in node["Node Type"]
            and rows_read(node) > MET.get(table := node.get("Relation Name", ""), -1)
        }
        assert not scanned & TABLES, sql
        assert not [table for table in scanned if table.startswith(PARTITION)], sql
        if name not in SORTING:
            most = max((rows_sorted(node) for node in nodes), default=0)
            assert most <= SORTED, f"{most} rows are sorted: {sql}"
        most = max(rows_read(node) for node in nodes)
        assert most <= max(events.SEARCHED, 10 * SORTED) or name in SORTING, sql


def explain(sql: str) -> Iterator[dict[str, Any]]:
    """The nodes of a statement's plan, as it ran."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), {})
        found = cursor.fetchone()[0]
    [whole] = json.loads(found) if isinstance(found, str) else found
    waiting = [whole["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


def rows_sorted(node: dict[str, Any]) -> float:
    return node["Plans"][0]["Actual Rows"] if node["Node Type"] == "Sort" else 0


def rows_read(node: dict[str, Any]) -> float:
    """By one scan, those that a condition threw away too."""
    return node["Actual Rows"] + node.get("Rows Removed by Filter", 0)


def test_what_is_filled_in_agrees_with_itself(filled: Filled) -> None:
    with connection.cursor() as cursor:
        assert audit.differences(cursor) == []


def test_only_an_empty_database_is_filled(filled: Filled) -> None:
    with connection.cursor() as cursor, pytest.raises(bulk.NotEmpty):
        place = bulk.Place(1, range(6), range(6), 1)
        bulk.fill(cursor, place, issues=100, events=100, now=datetime.now(UTC))
