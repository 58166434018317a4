"""Which addresses may be asked: http and https, and no machine that only this server reaches.

A name is resolved once, every address it has is checked, and the request goes to a checked one. So
a name that means something else a moment later (DNS rebinding) gains nothing.
"""

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote, urlsplit

MAX_LENGTH = 512
PORTS = {"http": 80, "https": 443}

# Labels as they are sent: letters, digits and hyphens; underscores for the names of containers.
NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?\Z")
PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._?"
# How IPv6 networks reach IPv4 machines: the last 32 bits are the other one's address.
NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class BadAddress(ValueError):
    """Not the URL of something that can be asked. Its text says what is wrong."""


class Refused(Exception):
    """It leads to a machine that must not be asked."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts."""

    scheme: str
    host: str
    """In lower case and ASCII; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query, percent-encoded."""

    @property
    def authority(self) -> str:
        """What the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(url: str, *, allow_private: bool = False) -> Target:
    """The parts of a URL. Raises BadAddress, and Refused for an address in digits that is not
    public; what a name stands for is only known when it is resolved."""
    if len(url) > MAX_LENGTH:
        raise BadAddress(f"An address has at most {MAX_LENGTH} characters.")
    # What urlsplit() would silently drop, and what no URL has.
    if any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
        raise BadAddress("Enter a valid URL.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        if "%" in host:  # the zone of an IPv6 address
            raise ValueError
        literal = _literal(host)
        if literal is None:
            host = host.encode("idna").decode("ascii").lower()
        path = quote(parts.path or "/", safe=PATH_CHARACTERS)
        query = quote(parts.query, safe=PATH_CHARACTERS)
    except ValueError:
        raise BadAddress("Enter a valid URL.") from None
    if parts.scheme not in PORTS:
        raise BadAddress("The address has to begin with http:// or https://.")
    if "@" in parts.netloc:
        raise BadAddress("The address must not hold credentials.")
    if port == 0 or (literal is None and not NAME.match(host)):
        raise BadAddress("Enter a valid URL.")
    if literal is not None and not (allow_private or is_public(literal)):
        raise Refused(f"{host} is not a public address.")
    path += f"?{query}" if query else ""
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet would reach this machine by this address: not a loopback,
    private, link-local, shared, multicast, reserved or unspecified one, in no disguise."""
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        return is_public(inner)
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, translated."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def resolve(target: Target, *, allow_private: bool, timeout: float) -> list[str]:
    """The addresses of a target's host, in the order in which they are to be tried.

    Raises Refused when one of them is not public, OSError when there are none or nobody says
    within `timeout` seconds.
    """
    addresses = _look_up(target.host, target.port, timeout)
    for address in addresses:
        if not (allow_private or is_public(ip_address(address))):
            raise Refused(f"{target.host} is at {address}, which is not a public address.")
    return addresses


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _look_up(host: str, port: int, timeout: float) -> list[str]:
    """In a thread of its own: the resolver takes no timeout."""
    found: list[Any] = []
    errors: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            errors.append(error)
        except UnicodeError as error:
            errors.append(OSError(str(error)))

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise TimeoutError(f"{host} could not be resolved in time")
    if errors:
        raise errors[0]
    # A link-local address comes with its zone.
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
