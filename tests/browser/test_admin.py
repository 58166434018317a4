"""The back office as people use it, in windows of a desk and of a hand."""

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By

from tests.browser.office import WIDTHS, Office, Visit
from tests.live import fetch

pytestmark = [pytest.mark.browser, pytest.mark.live]


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def desk(visit: Visit, width: int) -> Visit:
    """Somebody who is signed in."""
    visit.resize(width)
    visit.sign_in()
    return visit


def event(number: int, title: str) -> dict[str, object]:
    return {
        "event_id": f"{number:032x}",
        "timestamp": time.time(),
        "platform": "python",
        "release": "shop@1.0",
        "environment": "production",
        "user": {"id": "7", "email": "jane@example.com"},
        "exception": {
            "values": [
                {
                    "type": title,
                    "value": "the basket is empty",
                    "stacktrace": {
                        "frames": [
                            {
                                "filename": "shop/basket.py",
                                "function": "pay",
                                "lineno": 12,
                                "context_line": "    raise error",
                                "in_app": True,
                                "vars": {"total": "0"},
                            }
                        ]
                    },
                }
            ]
        },
        "fingerprint": [title],
    }


@pytest.fixture
def titles(office: Office, width: int) -> Iterator[list[str]]:
    """Of two new issues."""
    names = [f"PaymentError{width}", f"BasketError{width}"]
    for number, title in enumerate(names):
        office.send(event(0xABC0000 + width * 16 + number, title))
        office.send(event(0xDEF0000 + width * 16 + number, title))
    yield names


def test_an_issue_is_found_and_resolved(desk: Visit, office: Office, titles: list[str]) -> None:
    desk.open("/admin/issues/issue/")
    desk.find("#searchbar").send_keys(titles[0])
    desk.press("#changelist-search [type=submit]")
    [link] = [each for each in desk.find_all("#result_list a") if titles[0] in each.text]
    desk.open(link.get_attribute("href").removeprefix(office.url))  # type: ignore[union-attr]
    assert "the basket is empty" in desk.text
    desk.press("button[value=resolve]")
    assert "1 issue resolved." in desk.text
    assert desk.find_all("button[value=unresolve]")
    activity = desk.find(".history").text
    assert "resolved" in activity.lower()
    assert office.issue(titles[0])["status"] == "resolved"
    assert desk.problems() == []


def test_two_issues_are_merged(desk: Visit, office: Office, titles: list[str]) -> None:
    desk.open(f"/admin/issues/issue/?q={quote(titles[0][-9:])}")
    ids = [office.issue(title)["id"] for title in titles]
    desk.open("/admin/issues/issue/")
    for pk in ids:
        box = desk.find(f"input[name=_selected_action][value='{pk}']")
        desk.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
        box.click()
    desk.find("select[name=action] option[value=merge]").click()
    desk.press(".actions button[type=submit]")
    assert "2 issues are" in desk.text
    [left] = [each for each in office.issues if each["id"] in ids]
    assert left["title"].split(":")[0] in titles
    assert desk.problems() == []


def test_an_event_is_opened(desk: Visit, office: Office, titles: list[str]) -> None:
    issue = office.read(f"projects/acme/shop/issues/?query={titles[1]}")[0]
    desk.open(f"/admin/issues/issue/{issue['id']}/change/")
    [newest] = desk.find_all(".event-bar .steps a:not([rel])")
    desk.open(newest.get_attribute("href").removeprefix(office.url))  # type: ignore[union-attr]
    assert "shop/basket.py" in desk.text
    assert "raise error" in desk.text
    assert desk.problems() == []


def test_the_dsn_is_there_to_copy(desk: Visit, office: Office) -> None:
    desk.open(f"/admin/organizations/project/{office.project_id}/change/")
    shown = [each.text for each in desk.find_all("code")]
    assert office.made["dsn"] in shown
    for button in desk.find_all("button.copy-button")[:1]:
        desk.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        status = button.find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, "[role=status]")
        assert status.text in ("Copied", "Selected", "")
    assert desk.problems() == []


def test_a_token_is_made_and_works(desk: Visit, office: Office, width: int) -> None:
    desk.open("/admin/organizations/apitoken/add/")
    desk.find("[name=name]").send_keys(f"made at {width}")
    desk.find("input[name=scopes][value='org:read']").click()
    # The person is chosen in a list that asks the server while one types.
    desk.find(".field-user .select2-selection").click()
    search = desk.find(".select2-search__field")
    search.send_keys("owner")
    give_up_at = time.monotonic() + 30
    while not (found := desk.find_all(".select2-results__option--highlighted")):
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    assert "owner@example.com" in found[0].text
    found[0].click()
    save = desk.find("input[name=_save], button[name=_save]")
    desk.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", save)
    desk.press("input[name=_save], button[name=_save]")
    [token] = re.findall(r"sntryu_[0-9a-f]{64}", desk.text)
    assert desk.problems() == []
    desk.open("/admin/organizations/apitoken/")
    assert token not in desk.text
    assert fetch(f"{office.url}/api/0/organizations/acme/", token=token)[0] == 200


def test_the_charts_can_be_read(desk: Visit, office: Office, titles: list[str]) -> None:
    """Also by who cannot see them: each has a title, and its numbers as a table."""
    organization = office.read("organizations/acme/")["id"]
    for path in (
        "/admin/",
        f"/admin/organizations/organization/{organization}/statistics/",
        f"/admin/issues/issue/{office.read('projects/acme/shop/issues/')[0]['id']}/change/",
    ):
        desk.open(path)
        charts = desk.find_all("figure.chart")
        assert charts, path
        for chart in charts:
            drawn = chart.find_element(By.CSS_SELECTOR, "svg[role=img]")
            assert drawn.find_element(By.CSS_SELECTOR, "title").get_attribute("textContent")
            assert chart.find_elements(By.CSS_SELECTOR, "table tbody tr")
        assert desk.problems() == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(
    desk: Visit, office: Office, titles: list[str], scheme: str, width: int
) -> None:
    desk.prefer(scheme)
    issue = office.read("projects/acme/shop/issues/")[0]
    event_id = office.read(f"issues/{issue['id']}/events/latest/")["eventID"]
    organization = office.read("organizations/acme/")["id"]
    found = {}
    for path in (
        "/",
        "/admin/",
        "/admin/issues/issue/",
        f"/admin/issues/issue/{issue['id']}/change/",
        f"/admin/issues/issue/{issue['id']}/events/{event_id}/",
        "/admin/issues/issue/events/",
        "/admin/organizations/organization/",
        f"/admin/organizations/organization/{organization}/change/",
        f"/admin/organizations/organization/{organization}/statistics/",
        f"/admin/organizations/project/{office.project_id}/change/",
        "/admin/organizations/apitoken/add/",
        "/admin/releases/release/",
        "/admin/accounts/user/",
    ):
        desk.open(path)
        desk.picture(f"{path.strip('/').replace('/', '-') or 'front'}-{width}-{scheme}")
        if bad := [*desk.obstacles(), *desk.problems()]:
            found[path] = bad
    assert not found, json.dumps(found, indent=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_sign_in(visit: Visit, width: int, scheme: str) -> None:
    visit.resize(width)
    visit.prefer(scheme)
    visit.open("/admin/")
    visit.picture(f"login-{width}-{scheme}")
    assert [*visit.obstacles(), *visit.problems()] == []
