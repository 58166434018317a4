"""The reference of the API, in a browser: it is read, and tried out with a token."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


class Reference:
    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        browser.get(f"{url}/docs/")
        self.find(".opblock-tag-section")

    def find(self, selector: str, within: WebElement | None = None) -> WebElement:
        def look(browser: Chrome) -> WebElement | None:
            found = (within or browser).find_elements(By.CSS_SELECTOR, selector)
            return next((each for each in found if each.is_displayed()), None)

        return WebDriverWait(self.browser, 20).until(look)

    def press(self, selector: str, within: WebElement | None = None) -> None:
        self.browser.execute_script("arguments[0].click()", self.find(selector, within))

    def operation(self, tag: str, name: str) -> WebElement:
        """Open the section and the operation in it."""
        self.press(f'.opblock-tag[data-tag="{tag}"]')
        operation = self.find(f'[id$="-{name}"]')
        self.press(".opblock-summary-control", operation)
        return operation

    def authorize(self, token: str) -> None:
        self.press(".btn.authorize")
        form = self.find(".auth-container:has(#auth-bearer-value)")
        self.find("#auth-bearer-value", form).send_keys(token)
        self.press(".btn.authorize", form)
        self.press(".btn-done")

    def complaints(self) -> list[str]:
        """What the browser complained of: errors of scripts, requests that failed, the policy."""
        entries = self.browser.get_log("browser")
        return [each["message"] for each in entries if each["level"] in ("WARNING", "SEVERE")]


@pytest.fixture(params=SIZES)
def reference(request: Any, browser: Chrome, live_server: Any) -> Iterator[Reference]:
    width, height = SIZES[request.param]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    reference = Reference(browser, live_server.url)
    yield reference
    if folder := os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder, f"reference-{request.param}.png")))


def test_it_is_there_and_fits_the_screen(reference: Reference) -> None:
    titles = reference.browser.find_elements(By.CSS_SELECTOR, ".opblock-tag")
    assert [title.get_attribute("data-tag") for title in titles] == [
        "Ingestion",
        "Issues and events",
        "Statistics",
        "Organizations",
        "Teams",
        "Projects",
        "Releases",
        "Callers",
    ]
    reference.operation("Issues and events", "getIssuesByIssueId")
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert reference.browser.execute_script(overflow) <= 0
    assert reference.complaints() == []


def test_an_operation_can_be_tried_out(
    reference: Reference, project: Project, user: User, api_as: Callable[..., Any]
) -> None:
    token = factories.ApiTokenFactory(user=user, scopes=["project:read"])
    reference.authorize(token.secret)
    operation = reference.operation("Projects", "getProjectsByProject")
    reference.press(".try-out__btn", operation)
    for name, value in {"organization": "acme", "project": "pump-station"}.items():
        # It is heard a moment after it was typed, or when the field is left.
        field = reference.find(f'tr[data-param-name="{name}"] input', operation)
        field.send_keys(value, Keys.TAB)
    reference.press(".execute", operation)
    answer = reference.find(".live-responses-table .response", operation)
    assert reference.find(".response-col_status", answer).text.startswith("200")
    assert '"slug": "pump-station"' in answer.text
    assert reference.complaints() == []


def test_nothing_is_done_for_somebody_who_is_only_signed_in(
    reference: Reference, live_server: Any, user: User, client: Any
) -> None:
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    reference.browser.add_cookie(cookie)
    operation = reference.operation("Callers", "getAuth")
    reference.press(".try-out__btn", operation)
    reference.press(".execute", operation)
    answer = reference.find(".live-responses-table .response", operation)
    assert reference.find(".response-col_status", answer).text.startswith("401")
