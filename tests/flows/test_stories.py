"""Long stories through all of the server: SDKs on one side, people with the API on the other."""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks import audit
from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Project, ProjectKey
from sentrylite.organizations.models.organization import Status
from tests import bundles, factories, scripts
from tests.flows.stack import Answer, Stack, body_request, event_request


class Story:
    """A project with an SDK, and a member of its team with a token."""

    def __init__(self, stack: Stack, key: ProjectKey, token: str) -> None:
        self.stack = stack
        self.key = key
        self.token = token
        project = key.project
        self.organization = f"organizations/{project.organization.slug}"
        self.project = f"projects/{project.organization.slug}/{project.slug}"

    def try_to_send(self, message: str = "it broke", **more: Any) -> Answer:
        event = {"message": message, "platform": "python", **more}
        [answer] = self.stack.together([event_request(self.key, event)])
        return answer

    def send(self, message: str = "it broke", **more: Any) -> str:
        """An event that is taken; its id."""
        answer = self.try_to_send(message, **more)
        assert answer.status == 200, answer.body
        return answer.json["id"]

    def get(self, path: str) -> Any:
        answer = self.stack.api("GET", path, self.token)
        assert answer.status == 200, answer.body
        return answer.json

    def change(self, method: str, path: str, body: Any = None) -> Answer:
        return self.stack.api(method, path, self.token, body)

    def issues(self) -> list[Any]:
        return self.get(f"{self.project}/issues/")

    def only_issue(self) -> Any:
        """The details of the only unresolved issue."""
        [issue] = self.issues()
        return self.get(f"issues/{issue['id']}/")


@pytest.fixture
def story(stack: Stack, key: ProjectKey, user: User) -> Story:
    token = factories.ApiTokenFactory(user=user, scopes=sorted(ALL_SCOPES))
    return Story(stack, key, token.secret)


def total(points: list[list[float]]) -> float:
    return sum(quantity for _, quantity in points)


def activity(issue: Any) -> list[str]:
    """What happened to it, newest first."""
    return [each["type"] for each in issue["activity"]]


def test_events_become_an_issue_with_stats(story: Story) -> None:
    first = story.send(user={"id": "1"}, release="1.0", tags={"region": "eu"})
    second = story.send(user={"id": "2"}, release="1.1", tags={"region": "us"})
    assert story.send(event_id=first) == first  # an SDK that tries again

    issue = story.only_issue()
    assert (issue["title"], issue["shortId"]) == ("it broke", "PUMP-STATION-1")
    assert (issue["count"], issue["userCount"]) == ("2", 2)
    assert [total(issue["stats"][period]) for period in ("24h", "30d")] == [2, 2]
    assert issue["firstRelease"]["version"] == "1.0"
    assert issue["lastRelease"]["version"] == "1.1"
    regions = next(tag for tag in issue["tags"] if tag["key"] == "region")
    assert (regions["uniqueValues"], regions["totalValues"]) == (2, 2)

    assert total(story.get(f"{story.organization}/stats/")) == 2
    assert total(story.get(f"{story.project}/stats/")) == 2
    event = story.get(f"{story.project}/events/{second}/")
    assert (event["groupID"], event["previousEventID"]) == (issue["id"], first)


def test_every_event_is_found_by_its_id(story: Story) -> None:
    """Events and their addresses are written in two ways, and have to agree on the microsecond."""
    ids = [story.send() for _ in range(60)]
    answers = [
        story.stack.api("GET", f"{story.project}/events/{event_id}/", story.token)
        for event_id in ids
    ]
    assert [answer.status for answer in answers] == [200] * len(ids)


def test_a_resolved_issue_that_happens_again_is_reopened(story: Story) -> None:
    event_id = story.send()
    issue = story.only_issue()
    answer = story.change("PUT", f"issues/{issue['id']}/", {"status": "resolved"})
    assert (answer.status, answer.json["status"]) == (200, "resolved")
    assert story.issues() == []

    story.send(event_id=event_id)  # seen before: nothing new happened
    assert story.get(f"issues/{issue['id']}/")["status"] == "resolved"

    story.send(release="1.1")
    again = story.only_issue()
    assert (again["id"], again["status"], again["count"]) == (issue["id"], "unresolved", "2")
    assert activity(again) == ["set_regression", "set_resolved", "first_seen"]
    assert again["activity"][0]["data"] == {"version": "1.1"}
    assert again["activity"][1]["user"]["email"]


def test_a_deleted_issue_comes_back_as_a_new_one(story: Story) -> None:
    story.send()
    issue = story.only_issue()
    assert story.change("DELETE", f"issues/{issue['id']}/").status == 202
    assert story.change("GET", f"issues/{issue['id']}/").status == 404
    assert story.issues() == []

    story.send()
    new = story.only_issue()
    assert new["id"] != issue["id"]
    assert (new["shortId"], new["count"]) == ("PUMP-STATION-2", "1")
    assert activity(new) == ["first_seen"]
    assert total(story.get(f"{story.organization}/stats/")) == 2  # what came, came


def test_a_disabled_key_stops_soon(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentrylite.ingest.authentication.CACHE_SECONDS", 0.5)
    story.send()
    ProjectKey.objects.update(is_active=False)
    give_up_at = time.monotonic() + 10
    while (answer := story.try_to_send()).status == 200:
        assert time.monotonic() < give_up_at, "the key opens doors for ever"
        time.sleep(0.05)
    assert (answer.status, answer.headers["x-sentry-error"]) == (401, "API key is disabled")
    counted = story.only_issue()["count"]
    assert story.try_to_send().status == 401
    assert story.only_issue()["count"] == counted


def test_a_busy_server_counts_every_event_once(story: Story, key: ProjectKey) -> None:
    """Several projects and organizations, many requests at the same time, some of them twice."""
    other = factories.ProjectKeyFactory(project=factories.ProjectFactory(slug="elsewhere"))
    events = [
        {
            "event_id": uuid4().hex,
            "message": f"problem {number % 7}",
            "user": {"id": number % 5},
            "release": f"1.{number % 3}",
            "environment": f"place-{number % 2}",
            "tags": {"shard": number % 4},
        }
        for number in range(120)
    ]
    requests = [event_request(key, event) for event in events + events[:30]]
    requests += [event_request(other, event, door="envelope") for event in events[:40]]
    answers = story.stack.together(requests)
    assert {answer.status for answer in answers} == {200}
    story.stack.wait_until_counted()
    with connection.cursor() as cursor:
        assert audit.differences(cursor) == []
    of_project = Issue.objects.filter(project=key.project_id).values_list("times_seen", flat=True)
    assert (len(of_project), sum(of_project)) == (7, 120)
    assert total(story.get(f"{story.organization}/stats/")) == 120


def test_a_project_on_its_way_out_takes_no_events(story: Story, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(status=Status.PENDING_DELETION)
    assert story.try_to_send().status == 400
    assert story.change("GET", f"{story.project}/issues/").status == 404
    assert story.get(f"{story.organization}/stats/")


def test_what_a_user_says_is_found_with_the_error(story: Story) -> None:
    """It comes before the event, and with another of an SDK that sends both at once."""
    early, both = uuid4().hex, uuid4().hex
    words = [
        {"event_id": event_id, "name": name, "email": "", "comments": "It broke!"}
        for event_id, name in ((early, "Jane"), (both, "Ada"))
    ]
    items: list[Any] = [{"type": "user_report"}, words[0], {"type": "user_report"}, words[1]]
    items += [{"type": "event"}, {"event_id": both, "message": "it broke", "user": {"id": "2"}}]
    body = "\n".join(json.dumps(part) for part in ({}, *items)).encode()
    [answer] = story.stack.together([body_request(story.key, body, door="envelope")])
    assert (answer.status, answer.json) == (200, {"id": both})
    assert [each["name"] for each in story.get(f"{story.project}/user-feedback/")] == ["Ada"]

    story.send(event_id=early, user={"id": "1"})
    issue = story.only_issue()
    assert issue["userReportCount"] == 2
    reports = story.get(f"issues/{issue['id']}/user-feedback/")
    assert {each["eventID"]: each["user"]["name"] for each in reports} == {
        early: "Jane",
        both: "Ada",
    }
    event = story.get(f"{story.project}/events/{early}/")
    assert event["userReport"] in reports


def upload_scripts(story: Story) -> None:
    """The shop's script and its map, as build tools send them: a bundle in one piece."""
    url = "~/assets/shop.min.js"
    files = {
        "shop.min.js": ({"url": url, "type": "minified_source"}, scripts.script("esbuild")),
        "shop.min.js.map": (
            {"url": f"{url}.map", "type": "source_map"},
            scripts.source_map("esbuild"),
        ),
    }
    bundle = bundles.a_bundle(files).getvalue()
    checksum = hashlib.sha1(bundle, usedforsecurity=False).hexdigest()
    part = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{checksum}"\r\n\r\n'
    sent = story.stack.request(
        "POST",
        f"/api/0/{story.organization}/chunk-upload/",
        body=part.encode() + bundle + b"\r\n--x--\r\n",
        headers={
            "authorization": f"Bearer {story.token}",
            "content-type": "multipart/form-data; boundary=x",
        },
    )
    assert sent.status == 200, sent.body
    assembled = story.change(
        "POST",
        f"{story.organization}/artifactbundle/assemble/",
        {
            "checksum": checksum,
            "chunks": [checksum],
            "projects": [story.key.project.slug],
            "version": "shop@1.0",
        },
    )
    assert assembled.json["state"] in ("ok", "created"), assembled.body


def test_stack_traces_are_restored_when_the_source_map_comes_later(
    story: Story, run_tasks: Callable[[datetime], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentrylite.ingest.authentication.CACHE_SECONDS", 0)
    error = scripts.error("esbuild", release="shop@1.0")

    def frame(event_id: str) -> Any:
        event = story.get(f"{story.project}/events/{event_id}/")
        return event["entries"][0]["data"]["values"][0]["stacktrace"]["frames"][-1]

    early = [story.send("", **error) for _ in range(2)]
    story.stack.wait_until_counted()
    issue = story.only_issue()
    assert frame(early[0])["function"] == "i.priceOf"
    upload_scripts(story)

    assert story.change("POST", f"issues/{issue['id']}/reprocessing/").status == 200
    assert story.change("POST", f"issues/{issue['id']}/reprocessing/").status == 409
    for _ in range(100):
        run_tasks(timezone.now())
        if activity(story.only_issue())[0] == "reprocess":
            break
        time.sleep(0.1)
    late = story.send("", **error)

    assert [frame(event_id) for event_id in early] == [frame(late)] * 2
    assert frame(late)["function"] == "Cart.priceOf"
    story.stack.wait_until_counted()
    found = story.only_issue()
    assert (found["id"], found["count"]) == (issue["id"], "3")
    assert found["culprit"] == "Cart.priceOf(src/cart)"
    hashes = story.get(f"issues/{issue['id']}/hashes/")
    assert {each["latestEvent"]["id"] for each in hashes if each["latestEvent"]} == {late}
