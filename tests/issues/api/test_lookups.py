"""Short ids, event ids, and issues below their organization."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import Issue, IssueTag
from issues.models.issue import read_short_id
from sentrylite.organizations.models import Organization, Project
from tests import factories

pytestmark = pytest.mark.django_db

NOT_FOUND = {"detail": "The requested resource does not exist"}
ACME = "/api/0/organizations/acme"
Client = Callable[..., APIClient]


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=33, platform="python")


@pytest.fixture
def stranger(issue: Issue, organization: Organization, api_as: Client) -> APIClient:
    """A member of a closed organization, outside of the project's team."""
    Organization.objects.update(open_membership=False)
    member = factories.OrganizationMemberFactory(organization=organization)
    return api_as(member.user)


@pytest.mark.parametrize(
    "text, named",
    [
        ("PUMP-STATION-11", ("pump-station", 33)),
        ("pump_station_1l", ("pump_station", 33)),
        ("pump station iI", ("pump station", 33)),
        ("a-O", ("a", 0)),
        ("a-ZZZZZZZ", None),
        ("a-1ZZZZZZ", ("a", 2**31 - 1)),
        ("a-U", None),
        ("-1", None),
        ("1", None),
        ("a-", None),
        ("a-✓", None),
    ],
)
def test_reading_short_ids(text: str, named: tuple[str, int] | None) -> None:
    assert read_short_id(text) == named


@pytest.mark.parametrize("text", ["PUMP-STATION-11", "pump-station-11", "Pump-Station-1l"])
def test_what_a_short_id_stands_for(api: APIClient, issue: Issue, text: str) -> None:
    answer = api.get(f"{ACME}/shortids/{text}/")
    assert answer.status_code == 200
    body = dict(answer.json())
    group = body.pop("group")
    assert body == {
        "organizationSlug": "acme",
        "projectSlug": "pump-station",
        "groupId": str(issue.pk),
        "shortId": "PUMP-STATION-11",
    }
    assert (group["id"], group["platform"], group["status"]) == (
        str(issue.pk),
        "python",
        "unresolved",
    )


@pytest.mark.parametrize("text", ["PUMP-STATION-12", "OTHER-11", "nope", "33", "a%00-1"])
def test_an_unknown_short_id(api: APIClient, issue: Issue, text: str) -> None:
    answer = api.get(f"{ACME}/shortids/{text}/")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_what_an_event_id_stands_for(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue, {"title": "it broke"})
    for text in (event.event_id.hex, event.event_id.hex.upper(), str(event.event_id)):
        answer = api.get(f"{ACME}/eventids/{text}/")
        assert answer.status_code == 200
        body = dict(answer.json())
        assert body.pop("event")["title"] == "it broke"
        assert body == {
            "organizationSlug": "acme",
            "projectSlug": "pump-station",
            "groupId": str(issue.pk),
            "eventId": event.event_id.hex,
        }


def test_an_event_of_another_organization_or_of_a_deleted_issue(
    api: APIClient, issue: Issue
) -> None:
    foreign = factories.make_event(factories.IssueFactory())
    gone = factories.make_event(factories.IssueFactory(project=issue.project, status=3))
    for event_id in (foreign.event_id, gone.event_id, uuid.uuid4()):
        answer = api.get(f"{ACME}/eventids/{event_id.hex}/")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_what_is_no_event_id(api: APIClient) -> None:
    answer = api.get(f"{ACME}/eventids/abc/")
    assert answer.status_code == 400
    assert answer.json() == {"detail": "Event ID must be 32 characters."}
    assert api.get(f"{ACME}/eventids/{'x' * 32}/").status_code == 404


def test_what_is_not_reached_is_not_there(stranger: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue)
    for path in (
        f"shortids/{issue.short_id}/",
        f"eventids/{event.event_id.hex}/",
        f"issues/{issue.pk}/",
        f"issues/{issue.short_id}/",
        f"issues/{issue.pk}/notes/",
    ):
        answer = stranger.get(f"{ACME}/{path}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND), path
    assert stranger.delete(f"{ACME}/issues/{issue.pk}/").status_code == 404
    assert Issue.objects.visible().exists()


def test_an_issue_below_its_organization(
    api: APIClient, issue: Issue, project: Project, organization: Organization
) -> None:
    project.platform = "python"
    project.save()
    old = api.get(f"/api/0/issues/{issue.pk}/").json()
    newer = {"issueCategory", "issueType", "isUnhandled", "priority", "substatus", "platform"}
    for address in (issue.pk, "pump-station-11"):
        for name in ("acme", organization.pk):
            body = api.get(f"/api/0/organizations/{name}/issues/{address}/").json()
            assert set(body) == set(old) | newer
            assert {key: body[key] for key in newer} == {
                "issueCategory": "error",
                "issueType": "error",
                "isUnhandled": False,
                "priority": "high",
                "substatus": "ongoing",
                "platform": "python",
            }
            assert body["project"]["platform"] == "python"
            assert {key: body[key] for key in old if key != "project"} == {
                key: old[key] for key in old if key != "project"
            }


def test_changing_and_deleting_it(api: APIClient, issue: Issue) -> None:
    IssueTag.objects.create(
        project_id=issue.project_id,
        issue_id=issue.pk,
        key="handled",
        value="no",
        times_seen=1,
        first_seen=issue.first_seen,
        last_seen=issue.last_seen,
    )
    path = f"{ACME}/issues/PUMP-STATION-11/"
    body = api.put(path, {"status": "resolved"}).json()
    assert (body["status"], body["substatus"], body["isUnhandled"]) == ("resolved", None, True)
    assert api.put(path, {"status": "unresolved"}).json()["substatus"] == "ongoing"
    assert api.post(f"{path}notes/", {"text": "so"}).status_code == 201
    assert len(api.get(f"{path}comments/").json()) == 1
    assert api.delete(path).status_code == 202
    assert api.get(path).json() == NOT_FOUND


@pytest.mark.parametrize("address", ["0", "abc", "9" * 30, "1.0", "OTHER-1", "-1", "%00"])
def test_there_is_no_such_issue(api: APIClient, issue: Issue, address: str) -> None:
    answer = api.get(f"{ACME}/issues/{address}/")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_an_issue_of_another_organization(api: APIClient, issue: Issue) -> None:
    foreign: Any = factories.IssueFactory()
    assert api.get(f"{ACME}/issues/{foreign.pk}/").status_code == 404
    assert api.get(f"/api/0/organizations/nope/issues/{issue.pk}/").status_code == 404
