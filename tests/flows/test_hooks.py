"""A real SDK at one end, the receiver of a service hook at the other, a server between them."""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from tests import live
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.live

PATIENCE = 30.0
SDK = "import sentry_sdk; sentry_sdk.init({dsn!r}); sentry_sdk.capture_message('it broke')"


def ask(server: live.Server, made: Any, method: str, path: str, body: Any = None) -> Any:
    status, answer = live.fetch(
        f"{server.url}/api/0/projects/acme/shop/{path}",
        method=method,
        token=made["token"],
        data=None if body is None else json.dumps(body).encode(),
        content_type="application/json",
    )
    assert 200 <= status < 300, answer
    return json.loads(answer) if answer else None


def wait_for(it: Receiver, number: int) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while len(it.got) < number:
        assert time.monotonic() < give_up_at, "nobody said anything"
        time.sleep(0.05)


def test_a_hook_hears_of_what_an_sdk_sends_and_of_what_becomes_of_it() -> None:
    allowed = {"SENTRYLITE_HOOKS_ALLOW_PRIVATE": "true"}
    with receiver(503) as it, live.server(environment=allowed) as server:
        made = server.setup(organization="acme", project="shop")
        hook = ask(
            server,
            made,
            "POST",
            "hooks/",
            {"url": it.url, "events": ["event.alert", "issue.resolved"]},
        )
        code = SDK.format(dsn=made["dsn"])
        subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE)
        wait_for(it, 1)
        # It was answered 503: the hook pauses, until somebody says that it need not.
        ask(server, made, "PUT", f"hooks/{hook['id']}/", {"isActive": False})
        ask(server, made, "PUT", f"hooks/{hook['id']}/", {"isActive": True})
        [issue] = ask(server, made, "GET", "issues/")
        ask(server, made, "PUT", f"issues/?id={issue['id']}", {"status": "resolved"})
        wait_for(it, 2)
        alert, resolved = (json.loads(got.body) for got in it.got)
        assert alert["action"] == "event.alert"
        assert alert["event"]["title"] == alert["group"]["title"] == "it broke"
        assert alert["group"]["url"] == f"{server.url}/organizations/acme/issues/{issue['id']}/"
        assert resolved["action"] == "issue.resolved"
        assert resolved["group"]["id"] == issue["id"]
        assert resolved["actor"]["type"] == "user"
        for got in it.got:
            proof = hmac.new(hook["secret"].encode(), got.body, hashlib.sha256).hexdigest()
            assert got.headers["X-ServiceHook-Signature"] == proof
            assert got.headers["X-ServiceHook-GUID"] == hook["id"]
        assert ask(server, made, "GET", f"hooks/{hook['id']}/stats/")[-1]["total"] == 2
