"""/projects/{organization}/{project}/ownership/, and what ingestion does by these rules"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from issues.models import Activity, Issue, IssueSubscription, ProjectOwnership
from issues.payload import codec
from sentrylite.accounts.models import User
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import Organization, Project, ProjectKey, Team
from tests import factories
from tests.events import prepared

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/ownership/"
Client = Callable[..., APIClient]
ON, OFF = "Auto Assign to Issue Owner", "Turn off Auto-Assignment"


@pytest.fixture
def jane(organization: Organization, team: Team) -> User:
    member = factories.OrganizationMemberFactory(
        organization=organization, user__email="Jane@example.com", teams=[team]
    )
    assert member.user is not None
    return member.user


# The rules ----------------------------------------------------------------------------------------


def test_a_project_without_rules(api: APIClient, project: Project) -> None:
    answer = api.get(PATH)
    assert answer.json() == {
        "autoAssignment": OFF,
        "dateCreated": None,
        "fallthrough": True,
        "isActive": True,
        "lastUpdated": None,
        "raw": "",
    }
    assert answer["Allow"] == "GET, PUT, HEAD, OPTIONS"
    assert not ProjectOwnership.objects.exists()


@pytest.mark.parametrize("path", [PATH, PATH.removesuffix("/")])
def test_rules_are_kept_as_they_were_written(
    api: APIClient, project: Project, jane: User, path: str
) -> None:
    raw = "# ours\npath:src/*  jane@EXAMPLE.com #rockets \n"
    answer = api.put(path, {"raw": raw, "fallthrough": False, "autoAssignment": ON, "x": 1})
    assert answer.status_code == 200, answer.content
    body = dict(answer.json())
    assert body.pop("dateCreated") == body.pop("lastUpdated")
    assert body == {"autoAssignment": ON, "fallthrough": False, "isActive": True, "raw": raw}
    assert api.get(path).json() == answer.json()
    changed = api.put(path, {"autoAssignment": False, "isActive": False}).json()
    assert (changed["raw"], changed["autoAssignment"], changed["isActive"]) == (raw, OFF, False)
    assert changed["dateCreated"] == answer.json()["dateCreated"]
    assert changed["lastUpdated"] > changed["dateCreated"]
    assert api.put(path, {"autoAssignment": True}).json()["autoAssignment"] == ON
    assert api.put(path, {"raw": ""}).json()["raw"] == ""


@pytest.mark.parametrize(
    "body, errors",
    [
        ({"raw": "\npath:x"}, {"raw": ["Line 2: the rule has no owners."]}),
        (
            {"raw": "path:x #nope #rockets nobody@example.com #theirs"},
            {"raw": ["Invalid rule owners: #nope, #theirs, nobody@example.com"]},
        ),
        ({"raw": None}, {"raw": ["This field may not be null."]}),
        ({"raw": []}, {"raw": ["Not a valid string."]}),
        ({"raw": "a\0b"}, {"raw": ["Null characters are not allowed."]}),
        (
            {"raw": "#" * 100_001},
            {"raw": ["Ensure this field has no more than 100000 characters."]},
        ),
        ({"fallthrough": "x"}, {"fallthrough": ["Must be a valid boolean."]}),
        ({"autoAssignment": "x"}, {"autoAssignment": [f'This is "{ON}" or "{OFF}".']}),
        ({"autoAssignment": {}}, {"autoAssignment": [f'This is "{ON}" or "{OFF}".']}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_what_it_refuses(api: APIClient, project: Project, body: Any, errors: Any) -> None:
    factories.TeamFactory(organization=project.organization, slug="theirs")
    factories.OrganizationMemberFactory(
        organization=project.organization, user__email="nobody@example.com"
    )
    answer = api.put(PATH, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert not ProjectOwnership.objects.exists()


def test_as_many_statements_for_many_rules(
    api: APIClient, project: Project, jane: User, team: Team
) -> None:
    def count(number: int) -> int:
        raw = "".join(f"path:{index} jane@example.com #rockets\n" for index in range(number))
        with CaptureQueriesContext(connection) as captured:
            assert api.put(PATH, {"raw": raw}).status_code == 200
        return len(captured)

    count(1)
    assert count(2) == count(20)


# Events -------------------------------------------------------------------------------------------


def own(project: Project, raw: str, **columns: Any) -> None:
    ProjectOwnership.objects.update_or_create(
        project=project, defaults={"raw": raw, "auto_assignment": True, **columns}
    )


def ingest(key: ProjectKey, *messages: str) -> int:
    """Events whose tag `area` is their message; returns how many statements that took."""
    events = []
    for message in messages:
        payload, size = codec.pack({"tags": [["area", message]], "title": message})
        events.append(prepared(key, message, payload=payload, size=size))
    with CaptureQueriesContext(connection) as captured, connection.cursor() as cursor:
        digest(cursor, events)
    return len(captured)


def assignees() -> dict[str, Any]:
    return {
        issue.title: issue.assigned_user or issue.assigned_team for issue in Issue.objects.all()
    }


def test_new_issues_go_to_the_first_owner_who_looks_after_the_project(
    key: ProjectKey, project: Project, team: Team, jane: User
) -> None:
    outside = factories.OrganizationMemberFactory(
        organization=project.organization, user__email="out@example.com"
    )
    factories.TeamFactory(organization=project.organization, slug="others")
    own(
        project,
        "tags.area:* #rockets\n"
        "tags.area:north #others out@example.com jane@example.com #rockets\n"
        "tags.area:south out@example.com\n",
    )
    ingest(key, "north", "south", "west")
    assert outside.user is not None
    assert assignees() == {"north": jane, "south": None, "west": team}
    activity = Activity.objects.get(issue__title="north")
    assert (activity.type, activity.user) == ("assigned", None)
    assert activity.data == {
        "assignee": str(jane.pk),
        "assigneeEmail": "Jane@example.com",
        "assigneeType": "user",
    }
    of_team = Activity.objects.get(issue__title="west")
    assert of_team.data == {
        "assignee": str(team.pk),
        "assigneeEmail": None,
        "assigneeType": "team",
    }
    subscriptions = IssueSubscription.objects.filter(reason="assigned", is_active=True)
    assert set(subscriptions.values_list("issue__title", "user")) == {
        ("north", jane.pk),
        ("west", jane.pk),
    }


def test_issues_of_somebody_stay_his(
    key: ProjectKey, project: Project, team: Team, jane: User
) -> None:
    ingest(key, "north", "south")
    Issue.objects.filter(title="north").update(assigned_user=jane)
    own(project, "tags.area:* #rockets")
    ingest(key, "north", "south")
    assert assignees() == {"north": jane, "south": team}
    assert Activity.objects.count() == 1


@pytest.mark.parametrize("columns", [{"auto_assignment": False}, {"is_active": False}, {"raw": ""}])
def test_rules_that_are_off(key: ProjectKey, project: Project, columns: dict[str, Any]) -> None:
    own(project, **{"raw": "tags.area:* #rockets", **columns})
    ingest(key, "north")
    assert assignees() == {"north": None}


def test_only_projects_with_rules_cost_statements(
    key: ProjectKey, project: Project, team: Team, jane: User
) -> None:
    ingest(key, "warm")
    without = ingest(key, "new")
    own(project, "tags.area:* #rockets\ntags.area:none* out@example.com")
    few = ingest(key, "north", "none")
    many = ingest(key, *(f"area {number}" for number in range(20)), "none 2")
    assert many == few == without + 3
    # An issue that is somebody's costs one: to see that it is.
    assert ingest(key, "north") == ingest(key, "area 1", "area 2")
