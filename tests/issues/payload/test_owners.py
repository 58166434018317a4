"""Ownership rules: how they are read, and which events are whose."""

from typing import Any

import pytest

from issues.payload.owners import BadRule, owners_of, parse

RULES = """
# whoever is left
path:*                       fallback@example.com

path:src/views/*.py          jane@example.com #frontend
url:*/checkout/*             #payments
  tags.browser.name:Safari*  #Frontend JOE@example.com
path:"my docs/*"             #docs
"""


def frames(*names: str) -> dict[str, Any]:
    return {"exception": {"values": [{"stacktrace": {"frames": [{"filename": n} for n in names]}}]}}


@pytest.mark.parametrize(
    "event, owners",
    [
        ({}, ()),
        (frames("lib/x.js"), ("fallback@example.com",)),
        (frames("lib/x.js", "SRC/Views/a/b.py"), ("jane@example.com", "#frontend")),
        (frames("src/views/x.pyc"), ("fallback@example.com",)),
        (frames("my docs/x"), ("#docs",)),
        ({"request": {"url": "https://example.com/checkout/1"}}, ("#payments",)),
        ({"request": {"url": "https://example.com/checkout"}}, ()),
        (
            {"tags": [["browser.name", "Safari 17"], ["os", "macOS"]]},
            ("#frontend", "joe@example.com"),
        ),
        ({"tags": [["os", "Safari"]]}, ()),
        (
            frames("src/views/x.py") | {"tags": [["browser.name", "Safari"]]},
            ("#frontend", "joe@example.com"),
        ),
        (
            {"stacktrace": {"frames": [{"abs_path": "src/views/x.py"}]}},
            ("jane@example.com", "#frontend"),
        ),
        (
            {"threads": {"values": [None, {"stacktrace": {"frames": [{"filename": "x"}, None]}}]}},
            ("fallback@example.com",),
        ),
        ({"exception": None, "request": None, "tags": None}, ()),
    ],
)
def test_the_last_rule_that_matches_decides(event: dict[str, Any], owners: tuple) -> None:
    assert owners_of(event, parse(RULES)) == owners


def test_nothing_is_owned_without_rules() -> None:
    assert parse("") == parse("\n# nothing\n \n") == ()
    assert owners_of(frames("x"), ()) == ()


@pytest.mark.parametrize(
    "line, error",
    [
        ("nope", "a rule is path:, url: or tags.<key>: with a pattern, and its owners."),
        ("file:x #a", "a rule is path:, url: or tags.<key>: with a pattern, and its owners."),
        ("path: #a", "a rule is path:, url: or tags.<key>: with a pattern, and its owners."),
        ("tags.:x #a", "a rule is path:, url: or tags.<key>: with a pattern, and its owners."),
        ("path:x", "the rule has no owners."),
        ('path:"x y #a', "a quotation mark is missing."),
        ("path:x jane", "jane is no e-mail address and no #team."),
        ("path:x #a,#b", "#a,#b is no e-mail address and no #team."),
        ("path:x " + "#a " * 21, "the rule has more than 20 owners."),
    ],
)
def test_an_error_names_its_line(line: str, error: str) -> None:
    with pytest.raises(BadRule) as raised:
        parse(f"path:x #a\n\n{line}\n")
    assert str(raised.value) == f"Line 3: {error}"


def test_there_are_not_too_many() -> None:
    assert len(parse("path:x #a\n" * 500)) == 500
    with pytest.raises(BadRule, match="There are 501 rules, more than 500"):
        parse("path:x #a\n" * 501)


def test_a_hostile_pattern_takes_no_time() -> None:
    rules = parse("path:" + "*a" * 50 + " #a")
    assert owners_of(frames("a" * 240 + "b"), rules) == ()
