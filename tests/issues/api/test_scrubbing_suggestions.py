"""GET /organizations/{organization}/data-scrubbing-selector-suggestions/"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from issues.models import Issue
from sentrylite.organizations.models import Organization, Project
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/data-scrubbing-selector-suggestions/"
EVENT = UUID("f" * 32)
NONE: dict[str, Any] = {"suggestions": []}
Client = Callable[..., APIClient]


@pytest.fixture
def issue(project: Project) -> Issue:
    issue = factories.IssueFactory(project=project)
    data = {"extra": {"pin": 1234, "My Value": "x"}, "user": {"id": "7"}}
    factories.make_event(issue, data, event_id=EVENT)
    return issue


def test_selectors_with_examples(api: APIClient, issue: Issue) -> None:
    answer = api.get(PATH, {"eventId": EVENT.hex, "projectId": str(issue.project_id)})
    assert answer.status_code == 200
    assert answer.json() == {
        "suggestions": [
            {"type": "value", "value": "$user.id", "examples": ["7"]},
            {"type": "value", "value": "extra.'My Value'", "examples": ["x"]},
            {"type": "value", "value": "extra.pin", "examples": ["1234"]},
        ]
    }
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    for text in (EVENT.hex.upper(), str(EVENT)):
        assert api.get(PATH, {"eventId": text}).json() == answer.json()


@pytest.mark.parametrize(
    "query", ["", "eventId=", f"eventId={'0' * 32}", f"eventId={EVENT.hex}&projectId=0"]
)
def test_without_an_event_there_are_none(api: APIClient, issue: Issue, query: str) -> None:
    answer = api.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()) == (200, NONE)


@pytest.mark.parametrize(
    "query, problem",
    [
        ("eventId=x", "Invalid eventId. It takes 32 hexadecimal digits."),
        (f"eventId={'g' * 32}", "Invalid eventId. It takes 32 hexadecimal digits."),
        ("eventId=%00", "Invalid eventId. It takes 32 hexadecimal digits."),
        ("projectId=x", "Invalid projectId. It takes a project's id."),
        (f"projectId={2**63}", "Invalid projectId. It takes a project's id."),
    ],
)
def test_what_cannot_be_used_is_refused(
    api: APIClient, organization: Organization, query: str, problem: str
) -> None:
    answer = api.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"detail": problem})


def test_events_that_the_caller_may_not_read_say_nothing(
    api_as: Client, issue: Issue, organization: Organization
) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    own = f"/api/0/organizations/{stranger.organization.slug}/data-scrubbing-selector-suggestions/"
    assert api_as(stranger.user).get(own, {"eventId": EVENT.hex}).json() == NONE
    Organization.objects.update(open_membership=False)
    outside = factories.OrganizationMemberFactory(organization=organization)
    for query in ({}, {"projectId": issue.project_id}):
        answer = api_as(outside.user).get(PATH, {"eventId": EVENT.hex, **query})
        assert (answer.status_code, answer.json()) == (200, NONE)


def test_the_project_says_which_of_two_events_it_is(
    api: APIClient, issue: Issue, organization: Organization
) -> None:
    other = factories.ProjectFactory(organization=organization, teams=issue.project.teams.all())
    event = factories.make_event(
        factories.IssueFactory(project=other), {"extra": {"other": "x"}}, event_id=EVENT
    )
    answer = api.get(PATH, {"eventId": EVENT.hex, "projectId": event.project_id})
    assert [row["value"] for row in answer.json()["suggestions"]] == ["extra.other"]


def test_it_is_a_fixed_number_of_statements(
    api: APIClient, issue: Issue, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(6):
        assert api.get(PATH, {"eventId": EVENT.hex}).json() != NONE
