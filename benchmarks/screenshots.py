"""Pictures of the back office, for the README: `make screenshots`.

A server with demo data of its own is started, somebody signs in with Chromium, and the main pages
are saved in docs/images/. It needs chromium and chromedriver.
"""

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests import live

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
ISSUE = "/admin/issues/issue/8/change/"


class Picture(NamedTuple):
    name: str
    address: str
    theme: str = "light"
    width: int = 1440
    height: int = 900


PICTURES = (
    Picture("admin-overview", "/admin/", height=1100),
    Picture("admin-issues", "/admin/issues/issue/?status=0"),
    Picture("admin-issue", ISSUE, height=1300),
    Picture("admin-issue-dark", ISSUE, theme="dark", height=1300),
    Picture("admin-project", "/admin/organizations/project/1/change/"),
    Picture("admin-statistics", "/admin/organizations/organization/1/statistics/?period=30d"),
    Picture("admin-phone", "/admin/issues/issue/?status=0", width=390, height=844),
)


@contextmanager
def browser() -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        sys.exit("There is no chromium with its chromedriver on this machine.")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    chrome = Chrome(options, Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def sign_in(chrome: Chrome, server: live.Server) -> None:
    demo = json.loads((server.data_dir / "demo.json").read_text())
    chrome.get(f"{server.url}/admin/")
    chrome.find_element(By.NAME, "username").send_keys(demo["email"])
    chrome.find_element(By.NAME, "password").send_keys(demo["password"])
    chrome.find_element(By.CSS_SELECTOR, "#login-form [type=submit]").click()


def take(chrome: Chrome, server: live.Server, picture: Picture) -> Path:
    def tell(command: str, **parameters: Any) -> Any:
        return chrome.execute_cdp_cmd(command, parameters)

    is_phone = picture.width < 500
    tell(
        "Emulation.setDeviceMetricsOverride",
        width=picture.width,
        height=picture.height,
        deviceScaleFactor=2 if is_phone else 1,
        mobile=is_phone,
    )
    theme = {"name": "prefers-color-scheme", "value": picture.theme}
    tell("Emulation.setEmulatedMedia", features=[theme])
    chrome.get(server.url + picture.address)
    path = IMAGES / f"{picture.name}.png"
    path.write_bytes(base64.b64decode(tell("Page.captureScreenshot", format="png")["data"]))
    return path


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    live.PATIENCE = 300.0  # filling the demo takes longer than starting a server
    with live.server("--demo") as server, browser() as chrome:
        sign_in(chrome, server)
        for picture in PICTURES:
            print(take(chrome, server, picture))


if __name__ == "__main__":
    main()
