"""A web server that breaks once in five requests, and a program that runs once, with the real
sentry-sdk: `python sessions_client.py DSN`."""

import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.sessions import track_session


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("it broke")
    start_response("200 OK", [])
    return [b"fine"]


def main() -> None:
    sentry_sdk.init(
        sys.argv[1], release="shop@3.0", environment="staging", auto_session_tracking=True
    )
    served = SentryWsgiMiddleware(application)
    for path in ("/", "/", "/broken", "/", "/"):
        environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
        environ |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
        with contextlib.suppress(RuntimeError):
            list(served(environ, lambda *_: None))
    scope = sentry_sdk.get_isolation_scope()
    with track_session(scope, session_mode="application"):
        sentry_sdk.set_user({"id": "7"})
    sentry_sdk.flush(10)


main()
