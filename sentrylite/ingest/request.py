"""One HTTP request as the SDK doors see it: read from the ASGI scope, each part when asked for."""

from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl

from issues.payload.event import Sender
from sentrylite.bodies import Receive

from .limits import Body
from .origins import origin_of

Scope = Mapping[str, Any]


class Request:
    def __init__(self, scope: Scope, receive: Receive, *, trust_proxy_headers: bool) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.body = Body(receive, self.headers.get(b"content-length"))
        self._scope = scope
        self._trust_proxy_headers = trust_proxy_headers

    def header(self, name: bytes) -> str:
        """The value of a header, `""` without it."""
        return self.headers.get(name, b"").decode("latin-1")

    @cached_property
    def query(self) -> dict[str, str]:
        """The query string's fields; of a repeated one the last."""
        query = self._scope["query_string"]
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}

    @cached_property
    def origin(self) -> str | None:
        return origin_of(self.headers)

    @property
    def user_agent(self) -> str | None:
        return self.header(b"user-agent") or None

    @property
    def address(self) -> str | None:
        """The sender's IP address; a proxy names it only where the operator says there is one."""
        if self._trust_proxy_headers:
            forwarded = self.header(b"x-forwarded-for").partition(",")[0].strip()
            if _is_address(forwarded):
                return forwarded
        peer = self._scope.get("client")
        return peer[0] if peer else None

    def sender(self, client: str | None) -> Sender:
        """What is known of the sender beside the body; `client` is its `sentry_client`."""
        return Sender(
            ip_address=self.address,
            user_agent=self.user_agent,
            client=client,
            from_browser=self.origin is not None,
        )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
