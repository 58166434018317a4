"""Notes: /issues/{issue_id}/notes/"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues import actions
from issues.models import Activity, Issue, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project, Team
from tests import factories

pytestmark = pytest.mark.django_db

NOT_FOUND = {"detail": "The requested resource does not exist"}
Client = Callable[..., APIClient]


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project)


@pytest.fixture
def notes(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/notes/"


def test_a_note(api: APIClient, issue: Issue, notes: str, user: User) -> None:
    assert api.get(notes).json() == []
    answer = api.post(notes, {"text": " seen it on staging ✓ "})
    note = Activity.objects.get()
    assert answer.status_code == 201
    body = dict(answer.json())
    assert body.pop("user")["id"] == str(user.pk)
    assert body.pop("dateCreated")
    assert body == {"id": str(note.pk), "type": "note", "data": {"text": "seen it on staging ✓"}}
    assert api.get(notes).json() == [answer.json()]
    page = api.get(f"/api/0/issues/{issue.pk}/").json()
    assert page["numComments"] == 1
    assert page["activity"][0] == answer.json()
    assert page["subscriptionDetails"] == {"reason": "commented"}


@pytest.mark.parametrize("path", ["issues/{pk}/comments/", "groups/{pk}/notes/"])
def test_other_names_of_notes(api: APIClient, issue: Issue, path: str) -> None:
    path = "/api/0/" + path.format(pk=issue.pk)
    assert api.post(path, {"text": "so", "external_id": "x"}).json()["data"] == {
        "text": "so",
        "external_id": "x",
    }
    assert len(api.get(path).json()) == 1


def test_newest_first_page_by_page(
    api: APIClient, issue: Issue, notes: str, user: User, now: Any
) -> None:
    for minute in range(5):
        moment = now + timedelta(minutes=minute)
        actions.add_note(issue, f"{minute}", by=user, now=moment)
    actions.resolve_issues([issue], by=user, now=now)
    first = api.get(notes, {"per_page": 3})
    assert [note["data"]["text"] for note in first.json()] == ["4", "3", "2"]
    cursor = first.headers["Link"].rpartition('cursor="')[2].rstrip('"')
    second = api.get(notes, {"per_page": 3, "cursor": cursor})
    assert [note["data"]["text"] for note in second.json()] == ["1", "0"]
    assert api.get(notes, {"per_page": "x"}).status_code == 400


def test_the_same_again_is_refused_for_an_hour(
    api: APIClient, issue: Issue, notes: str, organization: Organization, api_as: Client
) -> None:
    assert api.post(notes, {"text": "me too"}).status_code == 201
    again = api.post(notes, {"text": "me too"})
    assert again.status_code == 400
    assert again.json() == {"detail": "You have already posted that comment."}
    issue.refresh_from_db()
    assert issue.comment_count == 1
    other = factories.OrganizationMemberFactory(organization=organization)
    assert api_as(other.user).post(notes, {"text": "me too"}).status_code == 201
    for note in Activity.objects.all():
        note.created_at -= timedelta(hours=1)
        note.save()
    assert api.post(notes, {"text": "me too"}).status_code == 201


def test_mentions_subscribe(
    api: APIClient, issue: Issue, notes: str, organization: Organization, team: Team
) -> None:
    one, two = (
        factories.OrganizationMemberFactory(organization=organization, teams=[team]).user
        for _ in range(2)
    )
    answer = api.post(notes, {"text": "look", "mentions": [f"user:{one.pk}"]})
    assert answer.json()["data"] == {"text": "look"}
    reasons = dict(IssueSubscription.objects.values_list("user", "reason"))
    assert reasons[one.pk] == "mentioned"
    assert two.pk not in reasons
    assert api.post(notes, {"text": "all", "mentions": [f"team:{team.pk}"]}).status_code == 201
    assert IssueSubscription.objects.get(user=two).reason == "mentioned"
    assert api.post(notes, {"text": "3", "mentions": [one.pk, str(two.pk)]}).status_code == 201


MEMBER = "Cannot mention a non team member"
TEAM = "Mentioned team not found or not associated with project"


@pytest.mark.parametrize(
    "body, error",
    [
        ({}, {"text": ["This field is required."]}),
        ({"text": ""}, {"text": ["This field may not be blank."]}),
        ({"text": None}, {"text": ["This field may not be null."]}),
        ({"text": [1]}, {"text": ["Not a valid string."]}),
        ({"text": "a\0b"}, {"text": ["Null characters are not allowed."]}),
        ({"text": "x", "mentions": ["user:{stranger}"]}, {"mentions": [MEMBER]}),
        ({"text": "x", "mentions": ["nobody"]}, {"mentions": [MEMBER]}),
        ({"text": "x", "mentions": [True]}, {"mentions": [MEMBER]}),
        ({"text": "x", "mentions": [{"a": 1}]}, {"mentions": [MEMBER]}),
        ({"text": "x", "mentions": ["9" * 40]}, {"mentions": [MEMBER]}),
        ({"text": "x", "mentions": ["team:{team}"]}, {"mentions": [TEAM]}),
        ({"text": "x", "mentions": ["team:x"]}, {"mentions": [TEAM]}),
        (
            {"text": "x", "mentions": 1},
            {"mentions": ['Expected a list of items but got type "int".']},
        ),
    ],
)
def test_what_cannot_be_said(
    api: APIClient, notes: str, organization: Organization, body: Any, error: Any
) -> None:
    names = {
        "stranger": factories.UserFactory().pk,
        "team": factories.TeamFactory(organization=organization).pk,
    }
    if isinstance(body.get("mentions"), list) and isinstance(body["mentions"][0], str):
        body = body | {"mentions": [body["mentions"][0].format(**names)]}
    answer = api.post(notes, body)
    assert (answer.status_code, answer.json()) == (400, error)
    assert not Activity.objects.exists()


def test_only_ones_own_notes_can_be_changed(
    api: APIClient, issue: Issue, notes: str, organization: Organization, api_as: Client
) -> None:
    note = api.post(notes, {"text": "one"}).json()
    path = f"{notes}{note['id']}/"
    other = api_as(factories.OrganizationMemberFactory(organization=organization).user)
    key = api_as(organization=organization)
    for method, verb in (("put", "edit"), ("delete", "delete")):
        refused = getattr(other, method)(path, {"text": "two"})
        assert (refused.status_code, refused.json()) == (404, NOT_FOUND)
        refused = getattr(key, method)(path, {"text": "two"})
        detail = f"Key doesn't have permission to {verb} Note"
        assert (refused.status_code, refused.json()) == (403, {"detail": detail})
    assert api.get(path).status_code == 405
    assert api.put(path, {}).json() == {"text": ["This field is required."]}
    changed = api.put(path, {"text": "two"})
    assert (changed.status_code, changed.json()) == (200, note | {"data": {"text": "two"}})
    gone = api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    issue.refresh_from_db()
    assert issue.comment_count == 0
    assert api.delete(path).status_code == 404
    assert api.put(f"{notes}abc/", {"text": "two"}).status_code == 404


def test_what_is_no_note_cannot_be_changed(
    api: APIClient, issue: Issue, notes: str, user: User, now: Any
) -> None:
    actions.resolve_issues([issue], by=user, now=now)
    assert api.delete(f"{notes}{Activity.objects.get().pk}/").status_code == 404


def test_an_api_key_has_nothing_to_say(
    notes: str, organization: Organization, api_as: Client
) -> None:
    answer = api_as(organization=organization).post(notes, {"text": "x"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "An API key has no user to do this for."}
