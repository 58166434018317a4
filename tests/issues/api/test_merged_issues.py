"""An issue that was merged away, by its id, its short id and its events (conventions contract,
section 1)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import actions, queries
from issues.models import Event, Issue, IssueTag
from sentrylite.organizations.models import Project
from tests import factories


@pytest.fixture
def parent(project: Project) -> Issue:
    issue = factories.IssueFactory(project=project, times_seen=9, tag_keys={"area": [1, 9]})
    IssueTag.objects.create(
        project_id=project.pk, issue_id=issue.pk, key="area", value="north",
        times_seen=9, first_seen=issue.first_seen, last_seen=issue.last_seen,
    )  # fmt: skip
    factories.make_event(issue)
    return issue


@pytest.fixture
def child(project: Project, parent: Issue, now: datetime) -> Issue:
    """Merged away; its event has not followed yet."""
    issue = factories.IssueFactory(project=project, times_seen=1)
    factories.make_event(issue)
    merged = actions.merge_issues([parent, issue], by=None, now=now)
    assert merged is not None and merged.parent == parent
    return issue


BELOW = ["", "notes/", "events/", "events/latest/", "events/oldest/", "hashes/"]
BELOW += ["tags/", "tags/area/", "tags/area/values/"]


@pytest.mark.parametrize("below", BELOW)
def test_its_id_leads_to_the_issue_that_is_left(
    api: APIClient, parent: Issue, child: Issue, below: str
) -> None:
    for base in ("/api/0/issues/", "/api/0/organizations/acme/issues/"):
        answer = api.get(f"{base}{child.pk}/{below}")
        assert answer.status_code == 200
        assert answer.json() == api.get(f"{base}{parent.pk}/{below}").json()


def test_so_does_its_short_id(api: APIClient, parent: Issue, child: Issue) -> None:
    base = "/api/0/organizations/acme"
    for path in (f"{base}/issues/{child.short_id}/", f"{base}/issues/{child.short_id}/tags/"):
        named = path.replace(child.short_id, parent.short_id)
        assert api.get(path).json() == api.get(named).json()
    found = api.get(f"{base}/shortids/{child.short_id}/").json()
    assert found["groupId"] == found["group"]["id"] == str(parent.pk)
    assert found["shortId"] == parent.short_id
    issues = "/api/0/projects/acme/pump-station/issues/"
    hits = api.get(issues, {"query": child.short_id, "shortIdLookup": "1"}).json()
    assert [hit["id"] for hit in hits] == [str(parent.pk)]


def test_what_is_asked_of_it_is_done_to_the_issue_that_is_left(
    api: APIClient, parent: Issue, child: Issue
) -> None:
    path = f"/api/0/issues/{child.pk}/"
    answer = api.put(path, {"status": "resolved", "merge": True}, format="json")
    assert (answer.status_code, answer.json()["id"]) == (200, str(parent.pk))
    parent.refresh_from_db()
    assert parent.status == Issue.Status.RESOLVED
    assert api.post(f"{path}notes/", {"text": "x"}, format="json").status_code == 201
    assert parent.activities.filter(type="note").exists()
    assert api.delete(path).status_code == 202
    for issue in (parent, child):
        assert api.get(f"/api/0/issues/{issue.pk}/").status_code == 404


def test_its_events_are_in_the_issue_that_is_left(
    api: APIClient, parent: Issue, child: Issue, project: Project
) -> None:
    event = Event.objects.get(issue_id=child.pk)
    shown = api.get(f"/api/0/projects/acme/pump-station/events/{event}/").json()
    assert shown["groupID"] == str(parent.pk)
    in_parent = Event.objects.get(issue_id=parent.pk).event_id.hex
    assert in_parent in (shown["nextEventID"], shown["previousEventID"])
    found = api.get(f"/api/0/organizations/acme/eventids/{event}/").json()
    assert found["groupId"] == str(parent.pk)
    hit = queries.find_issue_of_event([project], UUID(str(event)))
    assert hit == parent


def test_it_is_in_no_list(api: APIClient, parent: Issue, child: Issue) -> None:
    body: list[Any] = api.get("/api/0/projects/acme/pump-station/issues/?query=").json()
    assert [issue["id"] for issue in body] == [str(parent.pk)]
    assert body[0]["count"] == "10"


def test_it_costs_no_statement_more(
    api: APIClient, parent: Issue, child: Issue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for issue in (parent, child):
        with django_assert_num_queries(4):
            api.get(f"/api/0/issues/{issue.pk}/")


def test_strangers_do_not_see_it(api_as: Any, child: Issue) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    assert api_as(stranger.user).get(f"/api/0/issues/{child.pk}/").status_code == 403


@pytest.mark.parametrize("negation", ["", "!"])
def test_a_search_for_it_finds_the_issue_that_is_left(
    api: APIClient, parent: Issue, child: Issue, negation: str
) -> None:
    for query in (f"issue:{child.short_id}", f"issue.id:{child.pk}"):
        found = api.get("/api/0/projects/acme/pump-station/issues/", {"query": negation + query})
        assert [issue["id"] for issue in found.json()] == ([] if negation else [str(parent.pk)])
