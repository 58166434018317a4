"""Events of an attacker, who has nothing but a DSN, and everything that is shown of them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.office import WIDTHS, Office, Visit
from tests.live import fetch

pytestmark = [pytest.mark.browser, pytest.mark.live]

SCRIPT = "<script>window.hacked=1</script>"
ATTACKS = [
    SCRIPT,
    "</title></textarea></style></script><script>window.hacked=2</script>",
    "<img src=x onerror=window.hacked=3>",
    "<svg onload=window.hacked=4><animate onbegin=window.hacked=4 attributeName=x dur=1s>",
    "'\"><body onload=window.hacked=5><iframe srcdoc='<script>parent.hacked=5</script>'>",
    "javascript:window.hacked=6",
    "data:text/html,<script>opener.hacked=7</script>",
    "{{ constructor.constructor('window.hacked=8')() }}{% debug %}${window.hacked=8}",
    "\u202egnp.exe\u202c \u2066\u200f\u0085\u2028 \ufeff",
    "<a href=javascript:window.hacked=9>x</a><base href=//e.example/><form action=//e.example>",
    "W" * 300,
]
LONG = "<b onclick=window.hacked=10>x" * 35_000
"""Almost a megabyte, the most that is taken."""


def event_of(attack: str, number: int) -> dict[str, Any]:
    """An event with the attack in every place that is shown."""
    link = attack if attack.startswith(("javascript", "data")) else f"https://x.example/{attack}"
    frame = {
        "filename": f"{attack}.py",
        "abs_path": link,
        "module": attack,
        "function": attack,
        "lineno": 7,
        "in_app": True,
        "pre_context": [attack],
        "context_line": attack,
        "post_context": [attack],
        "vars": {attack: attack, "nested": {attack: [attack, {"href": link}]}},
    }
    return {
        "event_id": f"{number:032x}",
        "timestamp": time.time(),
        "platform": "python",
        "level": "error",
        "logger": attack[:60],
        "transaction": attack,
        "server_name": attack,
        "release": f"shop@{number}.0" if number % 2 else attack[:40].replace("/", "|"),
        "environment": attack[:40].replace("/", "|").replace("\u2028", ""),
        "message": {"message": attack, "formatted": attack},
        "exception": {
            "values": [
                {
                    "type": f"{number}{attack}",
                    "value": attack,
                    "module": attack,
                    "mechanism": {"type": attack, "handled": False, "help_link": link},
                    "stacktrace": {"frames": [frame]},
                }
            ]
        },
        "breadcrumbs": {
            "values": [
                {
                    "timestamp": time.time(),
                    "category": attack,
                    "message": attack,
                    "data": {"url": link},
                }
            ]
        },
        "request": {
            "url": link,
            "method": "GET",
            "query_string": [[attack, attack]],
            "headers": [["Referer", link], [attack[:40], attack]],
            "cookies": [[attack, attack]],
            "data": {attack: attack},
        },
        "user": {"id": attack, "username": attack, "email": f"{attack}@x", "name": attack},
        "tags": {"url": link, "attack": attack[:190], f"k{number}": attack[:190]},
        "extra": {attack: attack, "link": link},
        "contexts": {attack[:60]: {"type": attack, "url": link}},
        "sdk": {"name": attack, "version": attack},
        "modules": {attack: attack},
        "fingerprint": [f"attack-{number}"],
    }


@pytest.fixture(scope="module")
def attacked(office: Office) -> Iterator[list[dict[str, Any]]]:
    """The issues that attacks have made."""
    before = {each["id"] for each in office.issues}
    for number, attack in enumerate(ATTACKS, 1):
        office.send(event_of(attack, number))
    office.send({"event_id": "f" * 32, "message": LONG, "fingerprint": ["long"]})
    report = {"event_id": f"{1:032x}", "name": SCRIPT, "email": "a@example.com", "comments": SCRIPT}
    project, token = "projects/acme/shop/user-feedback/", office.made["token"]
    status, body = fetch(
        f"{office.url}/api/0/{project}",
        token=token,
        data=json.dumps(report).encode(),
        content_type="application/json",
    )
    assert status == 200, body
    give_up_at = time.monotonic() + 60
    while len(office.issues) - len(before) < len(ATTACKS) + 1:
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
    yield [each for each in office.issues if each["id"] not in before]


def pages(office: Office, issues: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """A name for each page that shows something of an event, and its path."""
    admin = "/admin/issues/issue"
    yield "overview", "/admin/"
    yield "issues", f"{admin}/"
    yield "search", f"{admin}/?q=%3Cscript%3Ewindow.hacked%3D1%3C%2Fscript%3E"
    yield "events", f"{admin}/events/?project={office.project_id}"
    yield "feedback", "/admin/issues/userreport/"
    yield "releases", "/admin/releases/release/"
    yield "environments", "/admin/organizations/environment/"
    yield "project", f"/admin/organizations/project/{office.project_id}/change/"
    yield "usage", "/admin/organizations/organization/usage/"
    for issue in issues:
        yield f"issue-{issue['id']}", f"{admin}/{issue['id']}/change/"
        latest = office.read(f"issues/{issue['id']}/events/latest/")
        yield f"event-{issue['id']}", f"{admin}/{issue['id']}/events/{latest['eventID']}/"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_runs_what_an_event_says(
    visit: Visit, office: Office, attacked: list[dict[str, Any]], width: int
) -> None:
    visit.resize(width)
    visit.sign_in()
    found = {}
    for name, path in pages(office, attacked):
        visit.open(path)
        visit.browser.execute_script(
            "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
        )
        visit.picture(f"hostile-{name}-{width}")
        if problems := visit.problems():
            found[path] = problems
    assert not found, json.dumps(found, indent=1)
    assert len(attacked) == len(ATTACKS) + 1


def test_the_attacks_can_be_read(visit: Visit, attacked: list[dict[str, Any]]) -> None:
    """They are shown as the texts that they are."""
    visit.sign_in()
    visit.open(f"/admin/issues/issue/{attacked[-1]['id']}/change/")
    assert any(attack[:60] in visit.text for attack in ATTACKS)


def test_a_deletion_asks_with_hostile_titles(visit: Visit, attacked: list[dict[str, Any]]) -> None:
    visit.sign_in()
    visit.open(f"/admin/issues/issue/{attacked[0]['id']}/change/")
    visit.press("button[value=delete]")
    assert visit.problems() == []
