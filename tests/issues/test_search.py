"""The search language: text to terms."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from issues.search import (
    MAX_NUMBER,
    Bound,
    Field,
    Has,
    IsAssigned,
    Moment,
    Number,
    Search,
    SearchError,
    Tag,
    Term,
    Text,
    read_search,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ALL = {"unresolved", "resolved", "ignored"}


def terms(text: str) -> list[Term]:
    return list(read_search(text, NOW).terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("one", [Text("one")]),
        (" one   two ", [Text("one two")]),
        ('one "two  three" four', [Text("one"), Text("two  three"), Text("four")]),
        ("one a:b two", [Text("one"), Tag("a", ("b",)), Text("two")]),
        ("ValueError: it broke", [Text("ValueError: it broke")]),
        ("http://x/y", [Text("http://x/y")]),
        ("Module::name", [Text("Module::name")]),
        ("(a", [Text("(a")]),
        ("it broke (user: 1)", [Text("it broke (user: 1)")]),
        ("main(args: str)", [Text("main(args: str)")]),
        ("(KeyError:x)", [Text("(KeyError:x)")]),
        ("!a", [Text("!a")]),
        ('"a', [Text('"a')]),
        ('a" b', [Text('a" b')]),
        ('say "\\"hi\\""', [Text("say"), Text('"hi"')]),
        ("or and", [Text("or and")]),
        ('"OR"', [Text("OR")]),
        (":x", [Text(":x")]),
        ('"":x', [Text('"":x')]),
    ],
)
def test_words_are_looked_for(text: str, expected: list[Term]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:b", Tag("a", ("b",))),
        ("!a:b", Tag("a", ("b",), True)),
        ("a:b:c", Tag("a", ("b:c",))),
        ("a.b-c_d:e*", Tag("a.b-c_d", ("e*",))),
        ('a:"b c"', Tag("a", ("b c",))),
        ('a:"b \\"c\\""', Tag("a", ('b "c"',))),
        ('a:"b', Tag("a", ('"b',))),
        ('"a b":c', Tag("a b", ("c",))),
        ('!"a b":c', Tag("a b", ("c",), True)),
        ("tags[is]:c", Tag("is", ("c",))),
        ("!tags[age]:-24h", Tag("age", ("-24h",), True)),
        ("IS:UNRESOLVED", Tag("IS", ("UNRESOLVED",))),
        ("a:[b,c]", Tag("a", ("b", "c"))),
        ('a:[b, "c, d" ,e]', Tag("a", ("b", "c, d", "e"))),
        ("!a:[b,c]", Tag("a", ("b", "c"), True)),
        ("a:[b,c", Tag("a", ("[b,c",))),
        ("a:[]", Tag("a", ("[]",))),
        ('a:""', Has("a", True)),
        ('!a:""', Has("a")),
        ("has:a", Has("a")),
        ("!has:a", Has("a", True)),
        ("level:error", Tag("level", ("error",))),
        ("release:latest", Field("release", ("latest",))),
        ("assigned:me", Field("assigned", ("me",))),
        ("assigned_to:#pumps", Field("assigned", ("#pumps",))),
        ("bookmarks:me", Field("bookmarks", ("me",))),
        ("subscribed:x@y.z", Field("subscribed", ("x@y.z",))),
        ("first-release:1.0", Field("first_release", ("1.0",))),
        ("firstRelease:latest", Field("first_release", ("latest",))),
        ("user.email:a@b.c", Field("user.email", ("a@b.c",))),
        ("user:email:a@b.c", Field("user", ("email:a@b.c",))),
        ("issue:PUMP-1", Field("short_id", ("PUMP-1",))),
        ("issue.type:error", Field("category", ("error",))),
        ("assigned_or_suggested:[me,none]", Field("assigned", ("me", "none"))),
        ("project:[pumps,p*]", Field("project", ("pumps", "p*"))),
        ("tags[project]:pumps", Tag("project", ("pumps",))),
        ("!error.type:Key*", Field("error_type", ("Key*",), True)),
        ("platform:python", Field("platform", ("python",))),
        ("error.unhandled:true", Tag("handled", ("no",))),
        ("error.unhandled:0", Tag("handled", ("no",), True)),
        ("!error.unhandled:TRUE", Tag("handled", ("no",), True)),
        ("error.handled:false", Tag("handled", ("no",))),
        ("!error.handled:1", Tag("handled", ("no",))),
        ("is:assigned", IsAssigned(True)),
        ("!is:assigned", IsAssigned(False)),
        ("is:unassigned", IsAssigned(False)),
        ("timesSeen:10", Number("times_seen", "=", 10)),
        ("times_seen:>10", Number("times_seen", ">", 10)),
        ("timesSeen:>=-1", Number("times_seen", ">=", -1)),
        ("!timesSeen:<=3", Number("times_seen", "<=", 3, True)),
        ("timesSeen:<" + "9" * 5000, Number("times_seen", "<", MAX_NUMBER)),
        ("timesSeen:>=2k", Number("times_seen", ">=", 2000)),
        ("timesSeen:<" + "9" * 30 + "b", Number("times_seen", "<", MAX_NUMBER)),
        ("issue.id:7", Number("issue_id", "=", 7)),
        ("project.id:7", Number("project_id", "=", 7)),
    ],
)
def test_terms(text: str, expected: Term) -> None:
    assert terms(text) == [expected]


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "field", "bounds"),
    [
        ("age:-24h", "first_seen", [(">=", NOW - timedelta(hours=24))]),
        ("firstSeen:+12h", "first_seen", [("<=", NOW - timedelta(hours=12))]),
        ("lastSeen:-30m", "last_seen", [(">=", NOW - timedelta(minutes=30))]),
        ("last_seen:+2w", "last_seen", [("<=", NOW - timedelta(weeks=2))]),
        ("activeSince:>=2016-01-01T00:00:00Z", "active_since", [(">=", moment(2016, 1, 1))]),
        ("timestamp:-30m", "event_timestamp", [(">=", NOW - timedelta(minutes=30))]),
        ("event.timestamp:<2016-01-01", "event_timestamp", [("<", moment(2016, 1, 1))]),
        ("age:>2016-01-01T02:00:00+02:00", "first_seen", [(">", moment(2016, 1, 1))]),
        ("age:2016-01-01", "first_seen", [(">=", moment(2016, 1, 1)), ("<", moment(2016, 1, 2))]),
        (
            "age:2016-01-01T10:30:00",
            "first_seen",
            [(">=", moment(2016, 1, 1, 10, 25)), ("<", moment(2016, 1, 1, 10, 36))],
        ),
    ],
)
def test_dates(text: str, field: str, bounds: list[tuple]) -> None:
    assert terms(text) == [Moment(field, tuple(Bound(*bound) for bound in bounds))]


@pytest.mark.parametrize(
    ("text", "statuses", "is_open"),
    [
        ("", ALL, False),
        ("is:unresolved", {"unresolved"}, True),
        ("is:resolved", {"resolved"}, False),
        ("is:ignored", {"ignored"}, False),
        ("is:muted", {"ignored"}, False),
        ("is:archived", {"ignored"}, False),
        ('is:"resolved"', {"resolved"}, False),
        ("!is:resolved", {"unresolved", "ignored"}, False),
        ("is:unresolved is:resolved", set(), True),
    ],
)
def test_statuses(text: str, statuses: set[str], is_open: bool) -> None:
    assert read_search(text, NOW) == Search(frozenset(statuses), is_open, ())


VALID = "['assigned', 'ignored', 'muted', 'resolved', 'unassigned', 'unresolved']"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a OR b", 'Boolean statements containing "OR" or "AND" are not supported in this search'),
        ("a:b AND", 'Boolean statements containing "OR" or "AND" are not supported in this search'),
        (
            "(a OR b)",
            'Boolean statements containing "OR" or "AND" are not supported in this search',
        ),
        (
            "(a:b) OR (c:d)",
            'Boolean statements containing "OR" or "AND" are not supported in this search',
        ),
        *(
            (
                f"a:b {text}",
                f"Parentheses around terms are not supported in this search: '{word}'. "
                "Put it in double quotes if it is meant to be text",
            )
            for text, word in (
                ("(is:unresolved)", "(is:unresolved)"),
                ("((!age:-24h b)", "((!age:-24h"),
                ("(tags[a]:b)", "(tags[a]:b)"),
            )
        ),
        ("error.handled:no", "'error.handled:' is true or false, not 'no'"),
        ("error.unhandled:", "Empty string after 'error.unhandled:'"),
        ("error.unhandled:[0,1]", "'error.unhandled:' takes one value"),
        ("timesSeen:1.5k", '"1.5k" could not be converted to a number.'),
        ("is:bogus", f'Invalid value for "is" search, valid values are {VALID}'),
        ("is:", f'Invalid value for "is" search, valid values are {VALID}'),
        ("age:x", "x is not a valid datetime query"),
        ("age:2016-13-01", "2016-13-01 is not a valid datetime query"),
        ("age:>-24h", ">-24h is not a valid datetime query"),
        ("age:-999999999999w", "-999999999999w is not a valid datetime query"),
        ("age:9999-12-31", "9999-12-31 is not a valid datetime query"),
        ("age:0001-01-01T00:00:00", "0001-01-01T00:00:00 is not a valid datetime query"),
        ("lastSeen:", " is not a valid datetime query"),
        ("timesSeen:x", '"x" could not be converted to a number.'),
        ("timesSeen:1.5", '"1.5" could not be converted to a number.'),
        ("timesSeen:[1,2]", "'timesSeen:' takes one value"),
        ("assigned:", "Empty string after 'assigned:'"),
        ("has:", "Empty string after 'has:'"),
        ("a\0", "it holds a character that no text can have"),
        ("\ud800", "it holds a character that no text can have"),
        ("a:b " * 51, "it has more than 50 terms"),
        (f"a:[{'b,' * 101}]", "a list has more than 100 values"),
    ],
)
def test_what_means_nothing_says_why(text: str, problem: str) -> None:
    with pytest.raises(SearchError) as error:
        read_search(text, NOW)
    assert str(error.value) == problem


pieces = st.sampled_from(
    [" ", '"', "\\", "!", ":", "[", "]", "*", ",", "a", "is", "age", "has:", "timesSeen:", ">", "-"]
)


@given(st.one_of(st.text(), st.lists(pieces).map("".join)))
@example('"' * 10_000)
@example('a:"' * 3_000)
@example("a:[ " * 3_000)
@example('a:["' + " " * 9_000 + "x]")
@example("a:[" + " " * 9_000 + '"]')
@example('a:["' + '\\"' * 5_000 + "]")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_search(text, NOW)
    except SearchError as error:
        assert str(error)
