"""The dialog for visitors, in a browser, on the page of a site with another origin."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.shadowroot import ShadowRoot
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from issues.models import UserReport
from sentrylite.organizations import dsn
from sentrylite.organizations.models import Project, ProjectKey
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVENT_ID = "cc0fcc4147914646a75d95f62f344cbe"
HOSTILE = "</script><img src=x onerror=hacked()>\"'"
# As today's SDK does it: the script is put into the head, and a message tells that it is over.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Shop</title>
<style>* {{ font: 9px serif !important; color: red }} button {{ display: none }}</style>
<body><h1>The shop is broken</h1><button id="behind" style="display:block">Buy</button>
<script nonce="n">
window.closed_dialogs = 0; window.hacked_times = 0;
window.hacked = () => {{ window.hacked_times += 1; }};
addEventListener("message", (event) => {{
  if (event.data === "__sentry_reportdialog_closed__") window.closed_dialogs += 1;
}});
window.openDialog = () => {{
  const script = document.createElement("script");
  script.async = true; script.crossOrigin = "anonymous"; script.src = {src};
  document.head.appendChild(script);
}};
window.openDialog();
</script></body></html>"""

Open = Callable[..., "Dialog"]


class Dialog:
    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    @property
    def root(self) -> ShadowRoot:
        host = wait(self.browser, lambda browser: browser.find_element(By.ID, "sentry-error-embed"))
        return host.shadow_root

    def find(self, selector: str) -> WebElement:
        return self.root.find_element(By.CSS_SELECTOR, selector)

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            control = self.find(f"[name={name}]")
            control.clear()
            control.send_keys(text)

    def press(self, label: str) -> None:
        buttons = self.root.find_elements(By.CSS_SELECTOR, "button")
        next(button for button in buttons if button.text == label).click()

    def wait_for_status(self) -> str:
        return wait(self.browser, lambda _: self.find(".status").text)

    @property
    def focused(self) -> str:
        script = "return arguments[0].shadowRoot.activeElement?.name || ''"
        host = self.browser.find_element(By.ID, "sentry-error-embed")
        return self.browser.execute_script(script, host)

    @property
    def is_open(self) -> bool:
        return bool(self.browser.find_elements(By.ID, "sentry-error-embed"))


@pytest.fixture
def open_dialog(browser: Chrome, site: Site, live_server: Any, key: ProjectKey) -> Open:
    def open_dialog(width: int = 1280, height: int = 900, **query: str) -> Dialog:
        address = dsn.build(key.public_key, key.project_id, base_url=live_server.url)
        query = {"dsn": address, "eventId": EVENT_ID, **query}
        src = f"{live_server.url}/api/embed/error-page/?{urlencode(query)}"
        site.page = PAGE.format(src=json.dumps(src))
        # A window has a least width; a device does not.
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(site.url)
        return Dialog(browser)

    return open_dialog


def picture(browser: Chrome, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    if directory := os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(str(Path(directory, f"{name}.png")))


def wait(browser: Chrome, condition: Callable[[Chrome], Any]) -> Any:
    """What the condition says when it is met; meanwhile what it looks at may go."""
    return WebDriverWait(browser, 10, ignored_exceptions=[WebDriverException]).until(condition)


def errors(browser: Chrome) -> list[str]:
    log: Any = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [
        entry["message"]
        for entry in log
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]


def closings(browser: Chrome) -> int:
    return browser.execute_script("return window.closed_dialogs")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_visitor_tells_what_happened(
    open_dialog: Open, browser: Chrome, api: APIClient, width: int, scheme: str, project: Project
) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    dialog = open_dialog(width, email="jane@example.com")
    assert dialog.focused == "name"
    assert dialog.find("[name=email]").get_attribute("value") == "jane@example.com"
    # Not what the page's own styles would make of it.
    assert dialog.find("dialog").size["width"] == min(544, width - 32)
    assert dialog.find("button.main").value_of_css_property("font-size") == "16px"
    picture(browser, f"{width}-{scheme}-empty")
    dialog.fill(name="Jane Smith", email="nobody")
    dialog.press("Send report")
    assert dialog.wait_for_status() == "Please fill in the marked fields."
    assert dialog.focused == "email"
    assert dialog.find("[name=comments]").get_attribute("aria-invalid") == "true"
    assert dialog.find("[name=name]").get_attribute("aria-invalid") == "false"
    picture(browser, f"{width}-{scheme}-marked")
    dialog.fill(email="jane@example.com", comments="I paid & then it broke ✓")
    dialog.press("Send report")
    wait(browser, lambda _: dialog.find(".status").text == "Thank you, your report has been sent.")
    picture(browser, f"{width}-{scheme}-sent")
    # Nothing is cut off, and the page is not wider than its window.
    scroll = "return document.documentElement.scrollWidth <= innerWidth"
    assert browser.execute_script(scroll)
    dialog.press("Close")
    wait(browser, lambda _: closings(browser) == 1)
    assert not dialog.is_open
    assert errors(browser) == []
    UserReport.objects.update(stands_alone=True)  # its event is not going to come
    listed = api.get("/api/0/projects/acme/pump-station/user-feedback/", {"status": ""}).json()
    assert [
        (each["name"], each["email"], each["comments"], each["eventID"]) for each in listed
    ] == [("Jane Smith", "jane@example.com", "I paid & then it broke ✓", EVENT_ID)]


def test_hostile_texts_are_shown_as_they_are(open_dialog: Open, browser: Chrome) -> None:
    labels = ("title", "subtitle", "labelName", "labelSubmit", "labelClose", "errorFormEntry")
    dialog = open_dialog(name=HOSTILE, **dict.fromkeys(labels, HOSTILE))
    assert dialog.find("h2").text == HOSTILE
    assert dialog.find("[name=name]").get_attribute("value") == HOSTILE
    dialog.find("button.main").click()
    assert dialog.wait_for_status() == HOSTILE
    assert browser.execute_script("return window.hacked_times") == 0
    picture(browser, "hostile")


def test_the_keyboard_is_enough(open_dialog: Open, browser: Chrome) -> None:
    """The focus stays inside, Escape closes; what is behind cannot be reached."""
    dialog = open_dialog(name="Jane", email="jane@example.com")
    assert dialog.focused == "comments"
    for _ in range(12):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert browser.execute_script("return document.activeElement.id") != "behind"
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    wait(browser, lambda _: closings(browser) == 1)
    assert not dialog.is_open


def test_it_has_the_roles_that_screen_readers_need(open_dialog: Open, browser: Chrome) -> None:
    dialog = open_dialog(lang="de")
    element = dialog.find("dialog")
    assert element.aria_role == "dialog"
    assert element.accessible_name == "Something went wrong"
    assert element.get_attribute("lang") == "de"
    names = {
        name: dialog.find(f"[name={name}]").accessible_name
        for name in ("name", "email", "comments")
    }
    assert names == {
        "name": "Name",
        "email": "E-mail",
        "comments": "What did you do, and what happened then?",
    }
    assert dialog.find(".status").get_attribute("role") == "status"


def test_a_strict_policy_of_the_page_leaves_it_whole(
    open_dialog: Open, browser: Chrome, site: Site, live_server: Any
) -> None:
    site.policy = (
        f"default-src 'none'; script-src 'nonce-n' {live_server.url}; style-src 'nonce-n';"
        f" connect-src {live_server.url}"
    )
    dialog = open_dialog(name="Jane", email="jane@example.com")
    dialog.fill(comments="It broke")
    dialog.press("Send report")
    assert dialog.wait_for_status() == "Thank you, your report has been sent."
    assert dialog.find("dialog").value_of_css_property("border-radius") == "12px"


def test_it_says_when_nothing_can_be_sent(open_dialog: Open, browser: Chrome) -> None:
    dialog = open_dialog(name="Jane", email="jane@example.com")
    ProjectKey.objects.update(is_active=False)
    dialog.fill(comments="It broke")
    dialog.press("Send report")
    assert dialog.wait_for_status().startswith("Your report could not be sent.")
    assert dialog.find("[name=comments]").get_attribute("value") == "It broke"
    picture(browser, "failed")


def test_to_open_it_again_is_to_have_one(open_dialog: Open, browser: Chrome) -> None:
    dialog = open_dialog()
    dialog.fill(name="first")
    browser.execute_script("window.openDialog()")
    wait(browser, lambda _: dialog.find("[name=name]").get_attribute("value") == "")
    assert len(browser.find_elements(By.ID, "sentry-error-embed")) == 1
