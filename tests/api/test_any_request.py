"""Whatever is sent to any route of the API: answered as JSON, never with a 5xx, and never at the
expense of others.

Routes come from the URL configuration, the keys of bodies from the inputs of the views, the names
of parameters from what the views ask for: what is added is tried without being named here.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from issues.models import Activity, Issue
from sentrylite.accounts.models import User
from sentrylite.api.inputs import Input
from sentrylite.handler import Handler
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Organization, Project
from tests import factories
from tests.flows.test_any_input import numbers, objects, texts, values
from tests.test_access import routes

# The same few examples each time; ANY_REQUEST_EXAMPLES=10000 looks further, at others each time.
EXAMPLES = int(os.environ.get("ANY_REQUEST_EXAMPLES", 0))
on_one_database = settings(
    max_examples=EXAMPLES or 200,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)

Fill = Callable[[str], str]
Ask = Callable[..., Any]

CALLERS = st.sampled_from(["token", "token", "key", "session"])
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NOPE"]
PART = re.compile(r"<str:\w+>")
CORS = {
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Origin",
}


# The path -----------------------------------------------------------------------------------------

ROUTES: dict[type, list[str]] = {}
for _route, _view in routes():
    ROUTES.setdefault(_view, []).append(_route)

views = st.sampled_from(sorted(ROUTES, key=lambda view: view.__qualname__))
# A part of a path as it is sent.
parts = st.one_of(
    texts.map(lambda text: quote(text, safe="", errors="surrogatepass")),
    numbers.map(str),
    st.binary(max_size=12).map(quote),
    st.sampled_from(
        [
            *("%00", "1%00", "%ED%A0%80", "%ff", "%", "%zz", "%2F", "a%2Fb", "..", "%2e%2e", "+"),
            *("0", "-1", "-0", "1.0", "1e3", "01", "%20", "%201", "1%0A", "True", "latest", "me"),
            *("%EF%BC%91", "%D9%A1", "%C2%B2", "9223372036854775807", "9223372036854775808"),
            *("1" * 5000, "x" * 10_000, "-".join(["0" * 8] * 4), "f" * 32, "PUMP-STATION-1"),
            *("PUMP-STATION-ZZZZZZZZZZZZZZZZ", "theirs", "their-project", "their-team"),
        ]
    ),
)


@st.composite
def paths(draw: st.DrawFn) -> tuple[type, str]:
    """A view, and a route to it with some of its parts replaced by anything."""
    view = draw(views)
    route = draw(st.sampled_from(ROUTES[view]))
    strange = draw(st.sets(st.integers(0, 3), max_size=2))
    number = iter(range(9))
    return view, PART.sub(lambda part: draw(parts) if next(number) in strange else part[0], route)


# The query ----------------------------------------------------------------------------------------

# What is asked for only beside others, or by no view yet.
NAMES = {
    *("cursor", "per_page", "limit", "query", "sort", "statsPeriod", "start", "end", "since"),
    *("until", "resolution", "environment", "project", "projectID", "id", "status", "stat"),
    *("group", "groupStatsPeriod", "full", "key", "shortIdLookup", "statsPeriodStart", "expand"),
    *("statsPeriodEnd", "show", "collapse", "member", "filter", "download", "format", "_method"),
}
words = st.sampled_from(
    [
        *("", "0", "1", "-1", "00", "1.5", "nan", "inf", "-inf", "1e400", "1" * 400, "\uff11", "²"),
        *("0:0:0", "1:0:1", "0:100:0", "9999999999999:0:0", "-1:0:0", "1:-1:0", "1:1:1:1", "::"),
        *(f"{2**63}:{2**63}:1", f"-{'9' * 30}:{'9' * 30}:0", "1.5:0:0", "100:1:1", "0:0:1"),
        *("date", "new", "priority", "freq", "age", "24h", "14d", "1h", "10s", "1d", "9999w"),
        *("received", "generated", "cors", "project", "organization", "unresolved", "true"),
        *("2026-03-04T05:06:07Z", "2026-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59"),
        *("is:unresolved", "is:nope", "is:", "!is:resolved", "assigned:me", "assigned:#nope"),
        *("timesSeen:>1", "timesSeen:99999999999999999999", "age:-24h", "age:+99999999999d"),
        *("firstSeen:>0001-01-01", "lastSeen:9999-12-31T23:59:59Z", "has:area", "!has:user"),
        *('area:"nor', "area:[a, b]", "area:*n*", "a OR b", "(a)", "user.id:1", "id:1", "\0"),
        *("release:latest", "first-release:latest", "bookmarks:me", "tags[area]:north", "%", "_"),
        *("\\", "'", "';--", "%s", "%(now)s", "{}", "x" * 10_000, "a:b " * 200, '"' * 50),
    ]
)


def queries(names: list[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(
        st.tuples(st.sampled_from(names) | texts, words | texts | numbers.map(str)),
        min_size=1,
        max_size=5,
    )
    return st.one_of(
        pairs.map(lambda pairs: urlencode(pairs, errors="surrogatepass")),
        pairs.map(lambda pairs: urlencode([*pairs, *pairs], errors="surrogatepass")),
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#")),
        st.sampled_from(
            ["%", "%zz", "&&&", "=", "a" * 9000, "id=1&" * 1001, "environment=&" * 500]
        ),
    )


# The body -----------------------------------------------------------------------------------------


def inputs() -> Iterator[type[Input]]:
    """Every class of checked bodies."""

    def below(parent: type[Input]) -> Iterator[type[Input]]:
        for each in parent.__subclasses__():
            yield each
            yield from below(each)

    return below(Input)


def inputs_of(view: type) -> list[type[Input]]:
    """Those that the module of a view speaks of; all of them where it speaks of none."""
    known = set(inputs())
    found = [each for each in vars(sys.modules[view.__module__]).values() if _is_in(each, known)]
    return sorted(found or known, key=lambda each: each.__qualname__)


def _is_in(value: object, known: set[type[Input]]) -> bool:
    return isinstance(value, type) and value in known


actors = st.sampled_from(
    [
        *("user:1", "team:1", "user:", ":1", "team:x", "#rockets", "user1@example.com", "me"),
        *(
            f"user:{2**63}",
            f"team:{2**31}",
            "user:-1",
            "user:\uff11",
            "\0",
            "user:\0",
            "",
            " ",
            0,
            -1,
        ),
    ]
)


def sent(field: serializers.Field) -> st.SearchStrategy[Any]:
    """What a field takes, or nearly."""
    if isinstance(field, serializers.ListSerializer):
        return st.lists(sent(field.child), max_size=3)
    if isinstance(field, serializers.Serializer):
        return body_of(type(field))
    if isinstance(field, serializers.ChoiceField):
        return st.sampled_from([*field.choices, "", "nope"])
    if isinstance(field, serializers.BooleanField):
        return st.booleans() | st.sampled_from(["true", "false", "1", "0", "", 1, 0, 2, "null"])
    if isinstance(field, serializers.IntegerField):
        return st.integers(-2, 10_100) | numbers
    if isinstance(field, serializers.ListField):
        return st.lists(actors | sent(field.child) | values, max_size=3)
    if isinstance(field, serializers.DictField):
        return st.dictionaries(texts, sent(field.child) | values, max_size=3)
    return actors | texts | st.sampled_from(["latest", "1.0", "2026-03-04T05:06:07Z", "x" * 70])


def body_of(kind: type[serializers.Serializer]) -> st.SearchStrategy[Any]:
    return objects(**{name: sent(field) for name, field in kind._declared_fields.items()})


TYPES = st.sampled_from(
    [
        *["application/json"] * 4,
        *("application/json; charset=utf-16", "application/json; charset=hex", "APPLICATION/JSON"),
        *("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=hex"),
        *("application/x-www-form-urlencoded; charset=idna", "multipart/form-data"),
        *("multipart/form-data; boundary=x", "multipart/form-data; boundary=\x7f", "text/plain"),
        *("multipart/form-data; boundary=x; charset=undefined", "", "/", "json", "application/xml"),
        *("multipart/form-data; boundary=" + "x" * 200, "application/json;;;=", "é/é"),
        *("application/json; charset*=nope''x", "multipart/form-data; boundary*=idna''%ff"),
    ]
)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_form(value: Any) -> bytes:
    pairs = value.items() if isinstance(value, dict) else [("status", value)]
    return urlencode([(key, str(each)) for key, each in pairs], errors="surrogatepass").encode()


def as_parts(value: Any) -> bytes:
    pairs = value.items() if isinstance(value, dict) else [("text", value)]
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{each}\r\n'
        for key, each in pairs
    ]
    return ("".join(parts) + "--x--\r\n").encode(errors="surrogatepass")


def with_doubles(value: Any) -> bytes:
    """An object that says everything twice."""
    text = json.dumps(value)
    return f"{text[:-1]},{text[1:]}".encode() if text.startswith("{") else text.encode()


ENCODERS = [*[as_json] * 6, as_form, as_parts, with_doubles]
RAW = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(b"", b" ", b"null", b"1", b'"x"', b"[]", b"[{}]", b"true", b"NaN", b"{", b'{"a":1}x'),
            *(b'{"status":NaN}', b'{"ignoreDuration":Infinity}', b'{"ignoreDuration":1e999}'),
            *(b"[" * 100_000, b'{"statusDetails":' * 2000 + b"1" + b"}" * 2000, b"\xff\xfe{}"),
            *(
                b'{"text":"\\ud800"}',
                b'{"text":"\\u0000"}',
                b'{"\\u0000":1}',
                b'\xef\xbb\xbf{"a":1}',
            ),
            *(b'{"ignoreDuration":' + b"9" * 5000 + b"}", b"status=resolved&" * 1001),
            b'--x\r\nContent-Disposition: form-data; name="text"; filename="\0"\r\n\r\n1\r\n--x--',
            b"--x\r\n" * 2000,
        ]
    ),
)


@st.composite
def bodies(draw: st.DrawFn, view: type) -> bytes:
    if draw(st.integers(0, 5)) == 0:
        return draw(RAW)
    value = draw(values) if draw(st.integers(0, 5)) == 0 else None
    if value is None:
        value = draw(st.sampled_from(inputs_of(view)).flatmap(body_of))
    return draw(st.sampled_from(ENCODERS))(value)


# Headers ------------------------------------------------------------------------------------------

latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
HEADERS = {
    "HTTP_AUTHORIZATION": latin
    | st.sampled_from(
        [
            *("", "Bearer", "Bearer a b", "bearer nope", "Basic", "Basic é", "Basic ====", "DSN x"),
            *("Basic Og==", "Basic AA==", "Basic ADo=", "Basic /zo=", "Bearer é", "Token x", ","),
            *("Bearer " + "x" * 10_000, "Basic " + "QUFB" * 3000, "Digest username=x", "Bearer\tx"),
        ]
    ),
    "HTTP_ACCEPT": latin | st.sampled_from(["", "text/html", "*", "a/b;q=x", "application/xml"]),
    "HTTP_ACCEPT_LANGUAGE": latin | st.sampled_from(["de", "*", "x-" * 300]),
    "HTTP_ORIGIN": latin
    | st.sampled_from(["null", "", "https://x.example", "http://[", "a" * 9000]),
    "HTTP_REFERER": latin | st.sampled_from(["http://[", "https://x.example/a", "http://\u2100.a"]),
    "HTTP_COOKIE": latin
    | st.sampled_from(
        [
            *('sessionid="\\000\\000\\000\\000\\000\\000\\000\\000"', "sessionid=" + "x" * 9000),
            *("sessionid=aaaaaaaaaaaaaaaa; csrftoken=x", 'csrftoken="\\000"', ";;;=", "sessionid"),
        ]
    ),
    "HTTP_CONTENT_ENCODING": st.sampled_from(["gzip", "deflate", "br", "nope", "identity", ""]),
    "HTTP_X_HTTP_METHOD_OVERRIDE": st.sampled_from(["DELETE", "GET", ""]),
    "HTTP_RANGE": st.sampled_from(["bytes=0-1", "nope"]),
    "HTTP_IF_MODIFIED_SINCE": st.sampled_from(["nope", "Thu, 01 Jan 1970 00:00:00 GMT"]),
    "HTTP_X_CSRFTOKEN": latin,
    "CONTENT_TYPE": TYPES,
}
headers = st.fixed_dictionaries({}, optional=HEADERS)


# What is asked of every answer --------------------------------------------------------------------


def says_something(problem: Any) -> bool:
    """A `detail`, or messages by field: nothing in it is empty."""
    if isinstance(problem, dict | list):
        inner = list(problem.values() if isinstance(problem, dict) else problem)
        return bool(inner) and all(map(says_something, inner))
    return isinstance(problem, str) and bool(problem.strip())


def check(answer: Any, method: str) -> None:
    content = answer.content
    assert answer.status_code < 300 or 400 <= answer.status_code < 500, content
    assert answer.headers.keys() >= CORS
    if method == "OPTIONS" or answer.status_code == 204:
        assert content == b""
        return
    if "Content-Type" not in answer.headers:
        assert content == b""  # what is documented without a body, also some refusals
        return
    assert answer.headers["Content-Type"] == "application/json"
    if method == "HEAD":
        assert content == b""
        return
    body = json.loads(content.decode(), parse_constant=lambda name: pytest.fail(name))
    if answer.status_code >= 400:
        assert isinstance(body, dict) and says_something(body), body


ROWS_OF_OTHERS = """
    SELECT '{table}', to_jsonb(t)::text FROM {table} t
    WHERE to_jsonb(t) ->> 'organization_id' = %(organization)s
       OR to_jsonb(t) ->> 'project_id' = %(project)s
       OR to_jsonb(t) ->> 'issue_id' = %(issue)s
       OR to_jsonb(t) ->> 'team_id' = %(team)s
       OR to_jsonb(t) ->> 'user_id' = %(user)s
"""


class Others:
    """Another organization, with one of everything, as it was before anything was asked."""

    def __init__(self) -> None:
        self.organization = factories.OrganizationFactory(slug="theirs")
        self.team = factories.TeamFactory(organization=self.organization, slug="their-team")
        self.member = factories.OrganizationMemberFactory(
            organization=self.organization, role="owner", teams=[self.team]
        )
        self.project = factories.ProjectFactory(
            organization=self.organization, slug="their-project", teams=[self.team]
        )
        factories.ProjectKeyFactory(project=self.project)
        factories.EnvironmentFactory(organization=self.organization, name="theirs")
        release = factories.ReleaseFactory(organization=self.organization, version="theirs")
        release.projects.add(self.project)
        factories.CommitFactory(repository__organization=self.organization, key="theirs")
        factories.ApiTokenFactory(user=self.member.user)
        factories.ApiKeyFactory(organization=self.organization)
        factories.DashboardFactory(organization=self.organization)
        self.issue = factories.IssueFactory(project=self.project)
        factories.make_event(self.issue)
        a_note(self.issue, self.member.user)
        self.before = self.rows()

    def rows(self) -> list[Any]:
        tables = sorted(
            model._meta.db_table
            for model in apps.get_models(include_auto_created=True)
            if model._meta.managed
        )
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(ROWS_OF_OTHERS.format(table=table) for table in tables)
                + " ORDER BY 1, 2",
                {
                    "organization": str(self.organization.pk),
                    "project": str(self.project.pk),
                    "issue": str(self.issue.pk),
                    "team": str(self.team.pk),
                    "user": str(self.member.user_id),
                },
            )
            return cursor.fetchall()


def a_note(issue: Issue, user: User) -> Activity:
    return Activity.objects.create(
        issue=issue, user=user, type=Activity.Type.NOTE, data={"text": "hm"}
    )


@pytest.fixture
def others(db: None) -> Others:
    return Others()


@pytest.fixture
def ask(
    monkeypatch: pytest.MonkeyPatch,
    others: Others,
    organization: Organization,
    project: Project,
    user: User,
    fill: Fill,
) -> Ask:
    """`ask(method, route, query, body, caller, **headers)`: the answer, checked. What it changed is
    undone."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Handler.request_class)
    issue = Issue.objects.get(project=project)
    factories.make_event(issue, {"message": "it broke"}, event_id="0" * 32)
    a_note(issue, user)
    token = factories.ApiTokenFactory(user=user, scopes=sorted(ALL_SCOPES)).secret
    key = factories.ApiKeyFactory(organization=organization, scopes=sorted(ALL_SCOPES)).secret
    credentials = {
        "token": {"HTTP_AUTHORIZATION": f"Bearer {token}"},
        "key": {"HTTP_AUTHORIZATION": factories.basic(key)},
        "session": {},
    }
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    def ask(
        method: str,
        route: str,
        query: str = "",
        body: bytes = b"",
        caller: str = "token",
        **headers: str,
    ) -> Any:
        with undone():
            answer = client.generic(
                method,
                fill(route),
                body,
                QUERY_STRING=query,
                **{
                    "CONTENT_TYPE": "application/json",
                    **credentials[caller],
                    **headers,
                },
            )
            check(answer, method)
            if method not in ("GET", "HEAD", "OPTIONS"):
                connection.check_constraints()  # those of the end of a transaction
                assert others.rows() == others.before
            return answer

    return ask


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Anything -----------------------------------------------------------------------------------------


def test_any_path(ask: Ask) -> None:
    @on_one_database
    @given(where=paths(), method=st.sampled_from(METHODS), caller=CALLERS)
    def send(where: tuple[type, str], method: str, caller: str) -> None:
        ask(method, where[1], caller=caller)

    send()


def test_any_query(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(NAMES | names_asked_for(ask, monkeypatch))

    @on_one_database
    @given(
        view=views,
        method=st.sampled_from(["GET", "GET", "GET", "PUT", "DELETE"]),
        query=queries(names),
    )
    def send(view: type, method: str, query: str) -> None:
        ask(method, ROUTES[view][0], query, b'{"status": "resolved"}')

    send()


def names_asked_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of all parameters that views look at."""
    names: set[str] = set()
    with monkeypatch.context() as patch:
        for method in ("get", "getlist", "__contains__"):
            original = getattr(QueryDict, method)

            def spy(query: QueryDict, name: str, *rest: Any, original: Any = original) -> Any:
                names.add(name)
                return original(query, name, *rest)

            patch.setattr(QueryDict, method, spy)
        for view, found in ROUTES.items():
            if hasattr(view, "get"):
                ask("GET", found[0])
    return names


def test_any_body(ask: Ask) -> None:
    writing = st.sampled_from(
        [
            (view, method)
            for view in sorted(ROUTES, key=lambda view: view.__qualname__)
            for method in ("POST", "PUT", "DELETE")
            if hasattr(view, method.lower())
        ]
    )

    @on_one_database
    @given(st.data())
    def send(data: st.DataObject) -> None:
        view, method = data.draw(writing)
        route = data.draw(st.sampled_from(ROUTES[view]))
        body, kind, caller = data.draw(bodies(view)), data.draw(TYPES), data.draw(CALLERS)
        ask(method, route, "", body, caller, CONTENT_TYPE=kind)

    send()


def test_any_headers(ask: Ask) -> None:
    @on_one_database
    @given(view=views, method=st.sampled_from(METHODS), headers=headers, body=RAW)
    def send(view: type, method: str, headers: dict[str, str], body: bytes) -> None:
        ask(method, ROUTES[view][0], "query=a&cursor=0:0:0", body, **headers)

    send()
