"""What a project's settings make of the events that are sent to it, from the door to the tables."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from django.utils import timezone

from issues.models import Event
from issues.payload import codec
from sentrylite import postgres
from sentrylite.ingest import authentication
from sentrylite.organizations import actions
from sentrylite.organizations.models import (
    KeyWindow,
    Organization,
    Project,
    ProjectKey,
)
from stats import usage
from stats.models import Kind, SeriesCount
from tests import factories, live
from tests.flows.stack import Answer, Request, Stack, event_request

pytestmark = pytest.mark.django_db(transaction=True)

DOORS = pytest.mark.parametrize("door", ["store", "envelope"])
DAY = 86_400


@pytest.fixture
def other_stack(stack: Stack) -> Iterator[Stack]:
    """A second server on the same database."""
    with Stack() as other:
        yield other


def limit(key: ProjectKey, count: int | None, window: int | None = DAY) -> None:
    key.rate_limit_count, key.rate_limit_window = count, window if count else None
    key.save()


def send(stack: Stack, key: ProjectKey, door: str = "store", **event: Any) -> Answer:
    [answer] = stack.together([event_request(key, {"message": "it broke", **event}, door=door)])
    return answer


def count_of(kind: Kind, object_id: int) -> int:
    rows = SeriesCount.objects.filter(kind=kind, object_id=object_id, width=3600)
    return sum(rows.values_list("quantity", flat=True))


def wait_for(kind: Kind, object_id: int, expected: int) -> None:
    """What was refused is counted a moment after the answer."""
    give_up_at = time.monotonic() + 10
    while count_of(kind, object_id) != expected and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert count_of(kind, object_id) == expected


# Rate limits --------------------------------------------------------------------------------------


@DOORS
def test_a_key_that_is_over_its_limit_is_told_until_when(
    stack: Stack, key: ProjectKey, door: str
) -> None:
    limit(key, 2)
    statuses = [send(stack, key, door).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = send(stack, key, door)  # the window is known to be used up
    assert answer.status == 429
    text = "Creation of this event was denied due to rate limiting"
    assert answer.json == (
        {"error": text, "error_name": "rate_limit"}
        if door == "store"
        else {"detail": text, "causes": []}
    )
    seconds = int(answer.headers["retry-after"])
    assert abs(seconds - (DAY - time.time() % DAY)) < 5
    assert (
        answer.headers["x-sentry-rate-limits"] == f"{seconds}:default;error;security:key:key_quota"
    )
    assert Event.objects.count() == 2
    wait_for(Kind.KEY_REJECTED, key.pk, 2)
    wait_for(Kind.KEY_RECEIVED, key.pk, 4)
    assert count_of(Kind.PROJECT_REJECTED, key.project_id) == 2
    assert count_of(Kind.ORGANIZATION_REJECTED, key.project.organization_id) == 2
    assert count_of(Kind.PROJECT_BLACKLISTED, key.project_id) == 0


def test_the_window_ends(stack: Stack, key: ProjectKey) -> None:
    limit(key, 1, 2)
    time.sleep(2 - time.time() % 2)
    first, second = send(stack, key), send(stack, key)
    assert (first.status, second.status) == (200, 429)
    time.sleep(int(second.headers["retry-after"]))
    assert send(stack, key).status == 200


def test_two_servers_take_no_more_than_the_limit_and_no_less(
    stack: Stack, other_stack: Stack, key: ProjectKey
) -> None:
    limit(key, 150)
    statuses = []
    for _ in range(4):
        for server in (stack, other_stack):
            requests = [event_request(key, {"message": f"{n % 3}"}) for n in range(40)]
            statuses += [answer.status for answer in server.together(requests)]
    assert statuses.count(200) == 150
    assert statuses.count(429) == 4 * 2 * 40 - 150
    assert Event.objects.count() == 150
    wait_for(Kind.KEY_RECEIVED, key.pk, 320)
    wait_for(Kind.KEY_REJECTED, key.pk, 170)


def test_other_items_of_the_envelope_are_taken(stack: Stack, key: ProjectKey) -> None:
    limit(key, 1)
    assert send(stack, key).status == 200
    body = b'{}\n{"type":"event"}\n{"message":"x"}\n{"type":"log"}\n{}'
    headers = {"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={key.public_key}"}
    path = f"/api/{key.project_id}/envelope/"
    [answer] = stack.together([Request("POST", path, body, headers=headers)])
    assert answer.status == 429
    logs = b'{}\n{"type":"log"}\n{}'
    [answer] = stack.together([Request("POST", path, logs, headers=headers)])
    assert answer.status == 200
    wait_for(Kind.ITEMS, usage.ITEM_CATEGORIES["log"], 2)
    assert Event.objects.count() == 1


def test_a_key_without_a_limit_sends_what_it_likes(stack: Stack, key: ProjectKey) -> None:
    other = factories.ProjectKeyFactory(project=key.project)
    limit(other, 1)
    requests = [event_request(k, {"message": "x"}) for k in (key, other) * 20]
    statuses = [answer.status for answer in stack.together(requests)]
    assert statuses[::2] == [200] * 20
    assert statuses[1::2] == [200] + [429] * 19
    assert list(KeyWindow.objects.values_list("key_id", flat=True)) == [other.pk]


@pytest.mark.parametrize(("count", "window"), [(0, 60), (5, 0)])
def test_a_limit_of_nothing_is_none(stack: Stack, key: ProjectKey, count: int, window: int) -> None:
    ProjectKey.objects.update(rate_limit_count=count, rate_limit_window=window)
    assert [send(stack, key).status for _ in range(7)] == [200] * 7


def test_events_that_are_filtered_use_nothing_up(stack: Stack, key: ProjectKey) -> None:
    limit(key, 1)
    Project.objects.update(filtered_releases=["1.*"])
    statuses = [send(stack, key, release=release).status for release in ("1.0", "1.1", "2.0")]
    assert statuses == [403, 403, 200]


# Inbound filters ----------------------------------------------------------------------------------

CRAWLER = {"request": {"headers": {"User-Agent": "Googlebot/2.1"}}}
IE = {"request": {"headers": {"User-Agent": "Mozilla/4.0 (compatible; MSIE 8.0)"}}}
EXTENSION = {
    "platform": "javascript",
    "exception": {"values": [{"type": "E", "value": "jigsaw is not defined"}]},
}
LOCAL = {"request": {"url": "http://localhost/"}}


@DOORS
@pytest.mark.parametrize(
    ("name", "settings", "event"),
    [
        ("ip-address", {"blacklisted_ips": ["127.0.0.0/8"]}, {}),
        ("release-version", {"filtered_releases": ["1.*"]}, {"release": "1.5"}),
        ("error-message", {"filtered_error_messages": ["*BROKE"]}, {}),
        ("browser-extensions", {"filter_browser_extensions": True}, EXTENSION),
        ("legacy-browsers", {"filter_legacy_browsers": ["ie_pre_9"]}, IE),
        ("localhost", {"filter_localhost": True}, LOCAL),
        ("web-crawlers", {}, CRAWLER),
    ],
)
def test_what_a_project_does_not_want_is_not_stored(
    stack: Stack, key: ProjectKey, door: str, name: str, settings: dict[str, Any], event: Any
) -> None:
    Project.objects.update(**settings)
    event_id = uuid4().hex
    answer = send(stack, key, door, event_id=event_id, **event)
    if door == "store":
        text = f"Event dropped due to filter: {name}"
        assert (answer.status, answer.json) == (403, {"error": text})
        assert answer.headers["x-sentry-error"] == text
    else:
        assert (answer.status, answer.json) == (200, {"id": event_id})
    wait_for(Kind.FILTERED, usage.FILTERS[name], 1)
    assert count_of(Kind.KEY_RECEIVED, key.pk) == 1
    assert count_of(Kind.KEY_BLACKLISTED, key.pk) == 1
    assert count_of(Kind.PROJECT_BLACKLISTED, key.project_id) == 1
    assert count_of(Kind.ORGANIZATION_BLACKLISTED, key.project.organization_id) == 1
    assert count_of(Kind.KEY_REJECTED, key.pk) == 0
    assert not Event.objects.exists()


@pytest.mark.parametrize("event", [EXTENSION, IE, LOCAL, {"release": "1.5"}, {}])
def test_filters_are_off_until_they_are_asked_for(
    stack: Stack, key: ProjectKey, event: Any
) -> None:
    assert send(stack, key, **event).status == 200
    assert Event.objects.count() == 1


def test_crawlers_are_let_in_when_the_project_says_so(stack: Stack, key: ProjectKey) -> None:
    Project.objects.update(filter_web_crawlers=False)
    assert send(stack, key, **CRAWLER).status == 200


@pytest.mark.parametrize(
    ("settings", "source", "status"),
    [
        ({}, "chrome-extension://abc", 403),
        ({"csp_ignored_sources_defaults": False}, "chrome-extension://abc", 201),
        ({"csp_ignored_sources": ["*.ads.example"]}, "https://a.ads.example/x.js", 403),
        ({}, "https://a.ads.example/x.js", 201),
    ],
)
def test_reports_of_ignored_sources_are_filtered(
    stack: Stack, key: ProjectKey, settings: dict[str, Any], source: str, status: int
) -> None:
    Project.objects.update(**settings)
    body = (
        b'{"csp-report": {"document-uri": "https://shop.example/", "effective-directive": '
        b'"script-src", "blocked-uri": "%s"}}' % source.encode()
    )
    answer = stack.request(
        "POST",
        f"/api/{key.project_id}/security/",
        body=body,
        query=f"sentry_key={key.public_key}".encode(),
        headers={"content-type": "application/csp-report", "user-agent": "Firefox"},
    )
    assert answer.status == status
    assert Event.objects.exists() == (status == 201)
    wait_for(Kind.FILTERED, usage.FILTERS["invalid-csp"], int(status == 403))


def test_what_is_no_event_is_not_filtered(stack: Stack, key: ProjectKey) -> None:
    Project.objects.update(blacklisted_ips=["0.0.0.0/0"])
    answer = stack.request(
        "POST",
        f"/api/{key.project_id}/envelope/",
        body=b'{}\n{"type":"log"}\n{}\n{"type":"user_report"}\n'
        b'{"event_id":"%s","name":"A","email":"a@example.com","comments":"x"}'
        % uuid4().hex.encode(),
        headers={"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={key.public_key}"},
    )
    assert answer.status == 200
    wait_for(Kind.ITEMS, usage.ITEM_CATEGORIES["log"], 1)
    wait_for(Kind.ITEMS, usage.ITEM_CATEGORIES["user_report"], 1)


def test_settings_that_make_no_sense_are_passed_over(stack: Stack, key: ProjectKey) -> None:
    Project.objects.update(
        blacklisted_ips=["nonsense", 5, None],
        filtered_releases={"a": 1},
        filtered_error_messages=[["x"], "[z-a]", "("],
        filter_legacy_browsers=["netscape", 1],
        csp_ignored_sources="text",
    )
    assert send(stack, key, release="1.0", **IE).status == 200


# Data scrubbing -----------------------------------------------------------------------------------

SENSITIVE: dict[str, Any] = {
    "extra": {"password": "hunter2", "diagnosis": "flu", "note": "4111 1111 1111 1111"},
    "user": {"id": "1", "ip_address": "192.0.2.1"},
    "request": {"url": "https://shop.example/", "env": {"REMOTE_ADDR": "192.0.2.1"}},
}
KEPT = {"password": "hunter2", "diagnosis": "flu", "note": "4111 1111 1111 1111"}
F = "[Filtered]"


def stored_payload() -> Any:
    return codec.unpack(bytes(Event.objects.get().payload))


@DOORS
@pytest.mark.parametrize(
    ("of_organization", "of_project", "extra"),
    [
        ({}, {}, {"password": F, "diagnosis": "flu", "note": F}),
        ({}, {"data_scrubber": False}, KEPT),
        ({"data_scrubber": True}, {"data_scrubber": False}, KEPT | {"password": F, "note": F}),
        ({}, {"data_scrubber_defaults": False}, KEPT),
        (
            {"data_scrubber_defaults": True},
            {"data_scrubber_defaults": False},
            KEPT | {"password": F, "note": F},
        ),
        (
            {},
            {"data_scrubber_defaults": False, "sensitive_fields": ["DIAGNOSIS"]},
            KEPT | {"diagnosis": F},
        ),
        (
            {"sensitive_fields": ["diagnosis"]},
            {"data_scrubber_defaults": False},
            KEPT | {"diagnosis": F},
        ),
        ({}, {"safe_fields": ["password"]}, KEPT | {"note": F}),
        ({"safe_fields": ["password"]}, {}, KEPT | {"note": F}),
        ({}, {"safe_fields": ["note"]}, KEPT | {"password": F}),
    ],
)
def test_scrubbing_is_what_the_organization_and_the_project_ask_for(
    stack: Stack,
    key: ProjectKey,
    door: str,
    of_organization: dict[str, Any],
    of_project: dict[str, Any],
    extra: dict[str, Any],
) -> None:
    Organization.objects.update(**of_organization)
    Project.objects.update(**of_project)
    assert send(stack, key, door, **SENSITIVE).status == 200
    assert stored_payload()["extra"] == extra


@pytest.mark.parametrize("model", [Organization, Project])
def test_addresses_are_left_out_where_either_asks_for_it(
    stack: Stack, key: ProjectKey, model: Any
) -> None:
    model.objects.update(scrub_ip_addresses=True)
    assert send(stack, key, **SENSITIVE).status == 200
    payload = stored_payload()
    assert payload["user"] == {"id": "1"}
    assert "192.0.2.1" not in str(payload)


def test_addresses_are_kept_else(stack: Stack, key: ProjectKey) -> None:
    assert send(stack, key, **SENSITIVE).status == 200
    assert stored_payload()["user"]["ip_address"] == "192.0.2.1"


def test_settings_take_effect_within_seconds(
    stack: Stack, key: ProjectKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert authentication.CACHE_SECONDS <= 5
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.2)
    assert send(stack, key, **SENSITIVE).status == 200
    Event.objects.all().delete()
    Project.objects.update(
        sensitive_fields=["diagnosis"], filtered_releases=["1.*"], allowed_domains=["a.example"]
    )
    time.sleep(0.25)
    assert send(stack, key, **SENSITIVE).status == 200
    assert stored_payload()["extra"]["diagnosis"] == F
    assert send(stack, key, release="1.0").status == 403


# Keys that are closed -----------------------------------------------------------------------------


def disable(key: ProjectKey) -> tuple[int, str]:
    actions.set_keys_active(ProjectKey.objects.filter(pk=key.pk), False)
    return 401, "API key is disabled"


def delete(key: ProjectKey) -> tuple[int, str]:
    ProjectKey.objects.filter(pk=key.pk).delete()
    return 401, "Invalid api key"


def delete_project(key: ProjectKey) -> tuple[int, str]:
    actions.mark_deleted(Project.objects.filter(pk=key.project_id), now=timezone.now())
    return 400, f"Invalid project_id: u'{key.project_id}'"


def delete_organization(key: ProjectKey) -> tuple[int, str]:
    organizations = Organization.objects.filter(pk=key.project.organization_id)
    actions.mark_deleted(organizations, now=timezone.now())
    return 400, f"Invalid project_id: u'{key.project_id}'"


@DOORS
@pytest.mark.parametrize("close", [disable, delete, delete_project, delete_organization])
def test_a_closed_key_stores_nothing_more_on_any_server(
    stack: Stack, other_stack: Stack, key: ProjectKey, door: str, close: Any
) -> None:
    servers = (stack, other_stack)
    assert [send(server, key, door).status for server in servers] == [200, 200]
    expected = close(key)
    for _ in range(2):
        for server in servers:
            answer = send(server, key, door)
            said = answer.json["error" if door == "store" else "detail"]
            assert (answer.status, said) == expected
    assert Event.objects.count() == 2


def test_a_closed_key_takes_no_others_along(stack: Stack, key: ProjectKey) -> None:
    other = factories.ProjectKeyFactory(project=key.project)
    assert {send(stack, k).status for k in (key, other)} == {200}
    disable(key)
    requests = [event_request(k, {"message": "x"}) for k in (key, other) * 30]
    statuses = [answer.status for answer in stack.together(requests)]
    assert statuses[::2] == [401] * 30
    assert statuses[1::2] == [200] * 30
    assert Event.objects.count() == 32


def test_a_key_that_is_enabled_again_works_at_once(stack: Stack, key: ProjectKey) -> None:
    assert send(stack, key).status == 200
    delete_project(key)
    assert send(stack, key).status == 400
    actions.restore(Project.objects.filter(pk=key.project_id))
    assert send(stack, key).status == 200


# Real processes -----------------------------------------------------------------------------------


def test_worker_processes_share_limits_and_notice_closed_keys() -> None:
    with live.server(workers=2) as server:
        made = server.setup(organization="acme", project="shop")
        with closing(psycopg2.connect(postgres.Cluster(server.data_dir).url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(
                "UPDATE organizations_projectkey SET rate_limit_count = 30,"
                " rate_limit_window = 86400"
            )
            statuses = [server.send_event(made["dsn"], {"message": "x"})[0] for _ in range(50)]
            assert statuses == [200] * 30 + [429] * 20
            cursor.execute("UPDATE organizations_projectkey SET rate_limit_count = 1000")
            time.sleep(authentication.CACHE_SECONDS)
            assert {server.send_event(made["dsn"], {"message": "x"})[0] for _ in range(20)} == {200}
            cursor.execute("DELETE FROM organizations_projectkey")
            statuses = [server.send_event(made["dsn"], {"message": "x"})[0] for _ in range(20)]
            assert statuses == [401] * 20
            cursor.execute("SELECT count(*) FROM issues_event")
            assert cursor.fetchone() == (50,)
