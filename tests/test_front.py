"""`/`, for people."""

import asyncio
from typing import Any

import pytest

from sentrylite import front
from sentrylite.health import Health
from sentrylite.ingest.buffer import Buffer
from sentrylite.ingest.journal import Journal
from sentrylite.middleware import CONTENT_SECURITY_POLICY
from sentrylite.version import version

pytestmark = pytest.mark.django_db


def ask(method: str = "GET", *, is_well: bool = True) -> tuple[int, dict[str, str], str]:
    buffer, sent = Buffer(Journal()), []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    if is_well:
        buffer.start()
    try:
        page = front.FrontPage(Health(buffer))
        asyncio.run(page({"path": "/", "method": method}, receive, send))
    finally:
        if is_well:
            buffer.stop()
    start, body = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, body["body"].decode()


def test_it_says_what_this_is_and_where_to_go() -> None:
    status, headers, page = ask()
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"
    assert "It is up and takes events." in page
    for address in ("/admin/", "/api/0/", "/_health/", "/_static/sentrylite/page.css"):
        assert f'href="{address}"' in page
    assert f"sentrylite {version()}" in page
    assert "<script" not in page
    assert "style=" not in page


def test_it_is_as_healthy_as_the_health_check_says() -> None:
    status, headers, page = ask(is_well=False)
    assert (status, headers["cache-control"]) == (503, "no-store")
    assert "It cannot take events now." in page
    assert "The thread that stores events is not running." in page


def test_it_can_be_asked_for_its_head_and_for_nothing_else() -> None:
    status, headers, body = ask("HEAD")
    assert (status, body) == (200, "")
    assert int(headers["content-length"]) == len(ask()[2].encode())
    status, headers, body = ask("POST")
    assert (status, headers["allow"], body) == (405, "GET, HEAD", "")
