"""Whatever is sent and asked: answered, never with a 5xx, and never at the expense of others."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import brotli
import pytest
import zstandard
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmarks import audit
from issues.models import Event
from sentrylite.accounts.models import User
from sentrylite.ingest.items import FEEDBACK, TRANSACTION
from sentrylite.organizations.models import ProjectKey
from tests import factories
from tests.flows.stack import Stack, body_request, event_request

# One database for all examples: what they send is compared with it in the end.
on_one_database = settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

# JSON ---------------------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Cc", "Lo"]), max_size=5),  # halves of pairs, NUL
    st.sampled_from(["", " ", "\0", "\ud800", "{{ default }}", "id:1", "a\nb", "x" * 9000]),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),  # NaN and infinities too, as Python writes them
    st.sampled_from([0, -1, 2**31, 2**63, -(2**63), 10**40, 1e308, 253402300800]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def objects(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects with some of these keys, whose values are as they should be or anything."""
    return st.fixed_dictionaries({}, optional={key: value | values for key, value in known.items()})


frames = objects(
    filename=texts,
    abs_path=texts,
    function=texts,
    module=texts,
    lineno=numbers,
    in_app=st.booleans(),
    context_line=texts,
    pre_context=st.lists(texts, max_size=3),
    vars=st.dictionaries(texts, values, max_size=3),
)
exceptions = objects(
    type=texts,
    value=texts,
    mechanism=objects(type=texts, handled=st.booleans()),
    stacktrace=objects(frames=st.lists(frames, max_size=3)),
)
requests = objects(
    url=texts,
    method=texts,
    headers=st.dictionaries(texts, texts, max_size=3) | st.lists(st.lists(texts, max_size=3)),
    query_string=texts,
    cookies=texts,
    data=values,
)
known_attributes = objects(
    event_id=st.uuids().map(lambda uuid: uuid.hex) | texts,
    type=st.sampled_from(["error", "transaction", "default", "feedback"]),
    timestamp=numbers | st.sampled_from(["2026-11-22T05:00:00Z", "2026-11-22T05:00:00.999999"]),
    level=st.sampled_from(["error", "fatal", "verbose", 40]),
    platform=texts,
    logger=texts,
    transaction=texts,
    server_name=texts,
    release=texts,
    dist=texts,
    environment=texts,
    message=texts,
    logentry=objects(message=texts, params=st.lists(values, max_size=3), formatted=texts),
    exception=objects(values=st.lists(exceptions, max_size=3)),
    threads=objects(values=st.lists(objects(id=numbers, stacktrace=values), max_size=2)),
    fingerprint=st.lists(texts, max_size=3),
    checksum=texts,
    tags=st.dictionaries(texts, texts, max_size=4) | st.lists(st.lists(texts, max_size=3)),
    user=objects(id=texts, email=texts, username=texts, ip_address=texts, name=texts),
    request=requests,
    contexts=st.dictionaries(texts, objects(type=texts, name=texts, version=texts), max_size=3),
    breadcrumbs=objects(values=st.lists(objects(timestamp=numbers, data=values), max_size=3)),
    extra=st.dictionaries(texts, values, max_size=3),
    modules=st.dictionaries(texts, texts, max_size=3),
    sdk=objects(name=texts, version=texts),
    csp=objects(effective_directive=texts, blocked_uri=texts),
    debug_meta=values,
)
events = st.one_of(st.dictionaries(texts, values, max_size=6), known_attributes)


# Events -------------------------------------------------------------------------------------------


class Ledger:
    """What the server has said that it stored."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.acknowledged: set[tuple[int, UUID]] = set()

    def add(self, key: ProjectKey, event_id: str) -> None:
        self.acknowledged.add((key.project_id, UUID(event_id)))

    def check(self) -> None:
        self.stack.wait_until_counted()
        stored = Event.objects.values_list("project_id", "event_id")
        assert self.acknowledged <= set(stored)
        assert len(stored) == len(set(stored))
        with connection.cursor() as cursor:
            assert audit.differences(cursor) == []


@pytest.fixture
def ledger(stack: Stack) -> Ledger:
    return Ledger(stack)


@pytest.fixture
def token(user: User) -> str:
    return factories.ApiTokenFactory(
        user=user, scopes=["org:read", "project:read", "event:read"]
    ).secret


@pytest.mark.parametrize("door", ["store", "envelope"])
def test_any_object_as_an_event(ledger: Ledger, key: ProjectKey, token: str, door: str) -> None:
    """At the same time as others, that is in one batch with them: all of those are stored. It can
    be read back."""
    neighbours = [factories.ProjectKeyFactory(), key]

    @on_one_database
    @given(event=events, crowd=st.sampled_from([1, 4, 10]))
    @example(event={"fingerprint": ["\0"], "tags": {"\0": "\0"}, "release": "\0"}, crowd=10)
    @example(event={"timestamp": -62135596801, "user": {"id": "\ud83d"}}, crowd=10)
    def send(event: Any, crowd: int) -> None:
        good = [
            (neighbours[number % 2], {"event_id": uuid4().hex, "message": f"good {number % 3}"})
            for number in range(crowd)
        ]
        requests = [event_request(each, body) for each, body in good]
        requests.insert(crowd // 2, event_request(key, event, door=door))
        answers = ledger.stack.together(requests)
        answer = answers.pop(crowd // 2)
        assert {each.status for each in answers} == {200}
        # An object is an event, whatever is in it. Feedback is not, when it says nothing.
        is_feedback = event.get("type") == FEEDBACK
        assert answer.status == 200 or (is_feedback and answer.status == 400), answer.body
        for each, body in good:
            ledger.add(each, body["event_id"])
        if event.get("type") not in (FEEDBACK, TRANSACTION):
            ledger.add(key, answer.json["id"])
            read_back(ledger.stack, token, answer.json["id"])

    send()
    ledger.check()


def read_back(stack: Stack, token: str, event_id: str) -> None:
    answer = stack.api("GET", f"projects/acme/pump-station/events/{event_id}/", token)
    assert answer.status == 200, answer.body
    assert answer.json["id"] == event_id
    answer = stack.api("GET", f"issues/{answer.json['groupID']}/", token)
    assert answer.status == 200, answer.body


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}

lines = st.one_of(
    st.binary(max_size=60),
    events.map(lambda event: json.dumps(event).encode()),
    objects(type=st.sampled_from(["event", "session", "attachment", "log"]), length=numbers).map(
        lambda header: json.dumps(header).encode()
    ),
    st.sampled_from([b"{}", b"", b"\r", b'{"type":"event"}', b'{"message":"it broke"}']),
)


@on_one_database
@given(
    body=st.binary(max_size=300) | st.lists(lines, max_size=7).map(b"\n".join),
    encoding=st.sampled_from(sorted(ENCODERS)),
    is_encoded=st.booleans(),
    cut=st.integers(0, 20),
)
def test_any_bytes_as_an_envelope(
    stack: Stack, key: ProjectKey, body: bytes, encoding: str, is_encoded: bool, cut: int
) -> None:
    encoded = ENCODERS[encoding](body) if is_encoded else body
    sent = encoded[: len(encoded) - cut] if cut < 10 else encoded
    neighbour = {"event_id": uuid4().hex, "message": "good"}
    answer, other = stack.together(
        [
            body_request(key, sent, door="envelope", encoding=encoding),
            event_request(key, neighbour),
        ]
    )
    assert answer.status < 500
    assert other.status == 200
    assert Event.objects.filter(event_id=neighbour["event_id"]).count() == 1


# Questions ----------------------------------------------------------------------------------------

names = st.sampled_from(
    ["stat", "since", "until", "resolution", "group", "projectID", "id", "environment", "query"]
)
queries = st.one_of(
    st.binary(max_size=60),
    st.lists(st.tuples(names | texts, texts | numbers.map(str)), max_size=5).map(
        lambda pairs: urlencode(pairs, errors="surrogatepass").encode()
    ),
)


@on_one_database
# Servers decode paths leniently: they hold no halves of surrogate pairs.
@given(query=queries, issue_id=st.none() | st.integers() | st.text(max_size=20))
@example(query=b"since=nan&until=inf", issue_id=2**63)
@example(query=b"%00=%00&\xff=\xff", issue_id="\0")
def test_any_query_of_an_issue_and_of_an_organizations_stats(
    stack: Stack, key: ProjectKey, token: str, query: bytes, issue_id: object
) -> None:
    if issue_id is None:
        [sent] = stack.together([event_request(key, {"message": "it broke"})])
        event = Event.objects.get(event_id=sent.json["id"])
        issue_id = event.issue_id
    headers = {"authorization": f"Bearer {token}"}
    for path in (f"/api/0/issues/{issue_id}/", "/api/0/organizations/acme/stats/"):
        answer = stack.request("GET", path, query=query, headers=headers)
        assert answer.status in (200, 400, 404), answer.body
        assert answer.json is not None
