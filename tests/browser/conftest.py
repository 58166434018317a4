"""A real browser, what it is to look at: a server of ours, a site of somebody else's."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests import live
from tests.browser.office import Office, Visit


@pytest.fixture(scope="session")
def chromium(django_db_setup: None) -> Iterator[Chrome]:
    """One for all tests of a process. Each takes it as `browser`, as good as new.

    It is gone before the database is: it holds connections open, behind which a server's are.
    """
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("there is no chromium with its chromedriver on this machine")
    options = ChromeOptions()
    options.binary_location = chromium
    # Root may not use the sandbox, and containers have little shared memory.
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options, Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Chrome:
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    for log in ("browser", "performance"):
        chromium.get_log(log)  # type: ignore[no-untyped-call]
    return chromium


@pytest.fixture(scope="session")
def office(chromium: Chrome) -> Iterator[Office]:
    """A server with an organization and somebody who may do everything, for all tests of a
    process. Only where there is a browser."""
    with live.server() as server:
        yield Office(server)


@pytest.fixture
def visit(browser: Chrome, office: Office) -> Visit:
    return Visit(browser, office)


class Site:
    """Answers every address with its one page."""

    def __init__(self) -> None:
        self.page = ""
        self.policy = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                if site.policy:
                    self.send_header("Content-Security-Policy", site.policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    try:
        yield site
    finally:
        site.close()
