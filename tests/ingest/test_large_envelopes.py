"""Envelopes of many events: what they cost and what becomes of each, with a database."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from issues.models import Event, Issue, UserReport
from sentrylite.ingest.app import IngestApp
from sentrylite.ingest.authentication import ProjectKeys
from sentrylite.ingest.buffer import Buffer
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.models import ProjectKey
from stats.models import Kind, SeriesCount
from tests.ingest.sdk import SDK, MakeSDK, Response, envelope, refused, sentry_auth

pytestmark = pytest.mark.django_db(transaction=True)

EVENT_ID = "0123456789abcdef0123456789abcdef"


class Sender(NamedTuple):
    sdk: SDK
    key: ProjectKey
    commits: list[None]
    """One for each transaction that wrote anything."""
    stop: Callable[[], None]
    """Write everything."""

    def send(self, *items: Any) -> Response:
        path = f"/api/{self.key.project_id}/envelope/"
        body = envelope({"event_id": EVENT_ID}, *items)
        return self.sdk.send(path, body, auth=sentry_auth(self.key.public_key))


@pytest.fixture
def sender(make_sdk: MakeSDK, key: ProjectKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    journal = Journal()
    journal.start()
    buffer = Buffer(journal)
    commits: list[None] = []
    run = buffer._connection.run

    def counted(work: Callable[[Any], Any]) -> Any:
        commits.append(None)
        return run(work)

    monkeypatch.setattr(buffer._connection, "run", counted)
    buffer.start()
    sdk = make_sdk(keys=ProjectKeys())
    sdk.app.close()
    sdk.app = IngestApp(buffer, sdk.keys, trust_proxy_headers=False)

    def stop() -> None:
        buffer.stop()
        journal.stop()

    yield Sender(sdk, key, commits, stop)
    stop()


def events(number: int) -> list[Any]:
    found = ({"event_id": f"{n + 1:032x}", "message": f"message {n % 3}"} for n in range(number))
    return [part for event in found for part in ({"type": "event"}, event)]


def stored() -> list[str]:
    return sorted(event_id.hex for event_id in Event.objects.values_list("event_id", flat=True))


def counted(kind: Kind) -> int:
    """Of the last day."""
    return sum(
        SeriesCount.objects.filter(kind=kind, width=86400).values_list("quantity", flat=True)
    )


def test_events_of_an_envelope_share_their_commits(sender: Sender) -> None:
    assert sender.send(*events(501)).json == {"id": f"{1:032x}"}
    assert stored() == [f"{n + 1:032x}" for n in range(501)]
    # The first by itself and five pieces; what comes first may be under way when the rest comes.
    assert len(sender.commits) <= 1 + 5 * 3
    sender.stop()
    assert sum(Issue.objects.values_list("times_seen", flat=True)) == 501


def test_large_events_do_not_wait_for_each_other(sender: Sender) -> None:
    """All of a piece are in memory at the same time."""
    large = {"message": "x", "extra": {"x": "x" * 700_000}}
    assert sender.send(*[{"type": "event"}, large] * 4).status == 200
    assert len(sender.commits) == Event.objects.count() == 4


def test_each_is_refused_for_itself(sender: Sender) -> None:
    parts = events(150)
    parts[2 * 7 + 1] = b"nope"
    parts[2 * 120 + 1] = {"message": "x" * 1024 * 1024}
    response = sender.send(*parts)
    assert refused(response)[1].startswith("Bad data reconstructing object")
    assert stored() == [f"{n + 1:032x}" for n in range(150) if n not in (7, 120)]


def test_the_first_event_that_is_good_has_the_id_of_the_envelope(sender: Sender) -> None:
    item = {"type": "event"}
    response = sender.send(item, b"nope", item, b"[]", item, {}, item, {}, item, {})
    assert response.status == 400
    assert EVENT_ID in stored()
    assert len(set(stored())) == 3


def test_the_same_event_many_times_is_stored_once(sender: Sender) -> None:
    assert sender.send(*events(1) * 50).status == 200
    assert stored() == [f"{1:032x}"]


def test_a_limit_lets_in_as_many_as_it_says(sender: Sender) -> None:
    ProjectKey.objects.update(rate_limit_count=120, rate_limit_window=86400)
    response = sender.send(*events(300))
    assert response.status == 429
    assert Event.objects.count() == 120
    assert sender.send(*events(10)).status == 429
    sender.stop()
    assert counted(Kind.KEY_REJECTED) == 190


def test_what_users_say_comes_after_the_events_it_is_about(sender: Sender) -> None:
    reports: list[Any] = []
    for n in range(120):
        said = {
            "event_id": f"{n + 1:032x}",
            "name": "Jane",
            "email": "",
            "comments": f"It broke {n}",
        }
        reports += [{"type": "user_report"}, said]
    assert sender.send(*reports, *events(120)).status == 200
    assert UserReport.objects.filter(issue__isnull=False).count() == 120
    assert len(sender.commits) <= 1 + 4 * 3
