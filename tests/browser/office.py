"""The back office of a real server, and somebody who looks at its pages in a browser."""

import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.live import Server

PASSWORD = "correct horse battery"
EMAIL = "owner@example.com"
WIDTHS = {1440: 900, 390: 844}

# What makes a page bad for somebody: texts too faint, buttons without names, …
AXE = files("axe_core_python").joinpath("axe.min.js").read_text()
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
    (found) => done(found.violations
        .filter((each) => ["serious", "critical"].includes(each.impact))
        .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html)}`)),
    (error) => done([String(error)]),
);
"""
# Elements that stick out of the window, except in what scrolls by itself.
WIDE = """
const room = document.documentElement.clientWidth;
return document.documentElement.scrollWidth <= room ? [] : [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > room + 1)
    .slice(0, 5).map((each) => each.outerHTML.slice(0, 120));
"""
# The page that was marked as left is gone, and the one after it is whole.
HAS_ARRIVED = "return document.readyState === 'complete' && !document.isLeft"
LINKS = """
return [...document.querySelectorAll("a[href], form[action]")].map((each) =>
    each.href || each.getAttribute("action"));
"""


class Office:
    """What the server has, by its API."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self._server = server
        self.made = server.setup(
            organization="acme",
            team="dev",
            project="shop",
            platform="python",
            email=EMAIL,
            password=PASSWORD,
            superuser=True,
        )
        self.cookies: list[dict[str, Any]] = []

    def send(self, event: Mapping[str, Any], dsn: str = "") -> None:
        status, body = self._server.send_event(dsn or self.made["dsn"], event)
        assert status == 200, body

    def read(self, path: str) -> Any:
        status, body = self._server.get(f"/api/0/{path}", token=self.made["token"])
        assert status == 200, body
        return json.loads(body)

    def issue(self, title: str) -> dict[str, Any]:
        """The issue with this in its title."""
        [found] = [each for each in self.issues if title in each["title"]]
        return found

    @property
    def issues(self) -> list[dict[str, Any]]:
        return self.read("projects/acme/shop/issues/?query=")

    @cached_property
    def project_id(self) -> str:
        return self.read("projects/acme/shop/")["id"]


class Visit:
    """Somebody's way through the pages, in a window of some width."""

    def __init__(self, browser: Chrome, office: Office) -> None:
        self.browser, self.office = browser, office

    def resize(self, width: int) -> None:
        metrics = {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Light or dark."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def sign_in(self) -> None:
        """With the form, the first time; its cookie is good for later."""
        if self.office.cookies:
            self.open("/")
            for cookie in self.office.cookies:
                self.browser.add_cookie(cookie)
            return
        self.open("/admin/")
        self.find("[name=username]").send_keys(EMAIL)
        self.find("[name=password]").send_keys(PASSWORD)
        self.press("#login-form [type=submit]")
        assert self.path == "/admin/"
        self.office.cookies = self.browser.get_cookies()

    def open(self, path: str) -> None:
        self.browser.get(self.office.url + path)

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def press(self, selector: str) -> None:
        """Press what leads to another page, and wait until it is there."""
        self.browser.execute_script("document.isLeft = true")
        self.find(selector).click()
        # A page that is just going answers with errors of any kind.
        wait = WebDriverWait(self.browser, 30, ignored_exceptions=[WebDriverException])
        wait.until(lambda browser: browser.execute_script(HAS_ARRIVED))

    @property
    def path(self) -> str:
        return urlsplit(self.browser.current_url).path

    @property
    def text(self) -> str:
        return self.find("body").text

    def problems(self) -> list[str]:
        """What is wrong with the page, and was on the way to it, as far as a browser can tell."""
        return [
            *self._console(),
            *self._failed_requests(),
            *(f"sticks out: {each}" for each in self.browser.execute_script(WIDE)),
            *(f"leads to {each}" for each in self._strange_links()),
            *(["a script of somebody else ran"] if self._is_hacked() else []),
        ]

    def obstacles(self) -> list[str]:
        """What axe finds serious or critical."""
        self.browser.execute_script(AXE)
        return self.browser.execute_async_script(RUN_AXE)

    def picture(self, name: str) -> None:
        """Keep a screenshot where SCREENSHOTS says, for people to look at."""
        if directory := os.environ.get("SCREENSHOTS"):
            self.browser.save_screenshot(str(Path(directory, f"{name}.png")))

    def _console(self) -> list[str]:
        log: Any = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [each["message"] for each in log if each["level"] in ("SEVERE", "WARNING")]

    def _failed_requests(self) -> list[str]:
        failed = []
        log: Any = self.browser.get_log("performance")  # type: ignore[no-untyped-call]
        for entry in log:
            message = json.loads(entry["message"])["message"]
            facts = message["params"]
            if message["method"] == "Network.loadingFailed" and not facts.get("canceled"):
                failed.append(f"{facts['errorText']} {facts.get('blockedReason', '')}")
            if message["method"] == "Network.requestWillBeSent":
                url = facts["request"]["url"]
                if not url.startswith((self.office.url, "data:", "about:")):
                    failed.append(f"asked {url}")
            if message["method"] == "Network.responseReceived":
                response = facts["response"]
                if response["status"] >= 400:
                    failed.append(f"{response['status']} {response['url']}")
        return failed

    def _strange_links(self) -> list[str]:
        links = self.browser.execute_script(LINKS)
        return [each for each in links if re.match(r"\s*(?!https?:)[a-z-]+:", each, re.IGNORECASE)]

    def _is_hacked(self) -> bool:
        return self.browser.execute_script("return window.hacked !== undefined")
