"""Where a server listens, and what its address is to others."""

import errno
import ipaddress
import socket
from urllib.parse import urlsplit

from .errors import ServingError


def resolve(host: str, port: int) -> str:
    """The IP address of a host to listen at. Raises ServingError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ServingError(f"cannot listen at {host!r}: it is no host or IP address") from error
    # `localhost` is both on most machines; clients that try IPv6 first go on to IPv4.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


def check(address: str, port: int) -> None:
    """Raises ServingError when nobody can listen there now.

    The server's own sockets share their port, so they would not notice another server on it.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            raise ServingError(_refusal(address, port, error)) from error


def _refusal(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken: stop the program that listens there, or choose another port"
            " with --port (or SENTRYLITE_PORT)"
        )
    if error.errno == errno.EACCES:
        return (
            f"port {port} is not for ordinary accounts: choose one from 1024 on with --port (or"
            " SENTRYLITE_PORT)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"cannot listen at {address}: it is no address of this machine; choose one with"
            " --host (or SENTRYLITE_HOST), such as 127.0.0.1 or 0.0.0.0"
        )
    return f"cannot listen at {address} port {port}: {error.strerror}"


def url_of(host: str, port: int) -> str | None:
    """The address of a server that listens there, None when it listens everywhere: then nobody
    knows what others call it."""
    try:
        if ipaddress.ip_address(host).is_unspecified:
            return None
    except ValueError:
        pass  # a name
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def local_url(host: str, port: int) -> str:
    """An address at which a server that listens there is reached from its own machine."""
    return url_of(host, port) or f"http://localhost:{port}"


def clean_url(text: str) -> str:
    """A public address as it is used: without a slash at the end. Raises ValueError."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(f"{text!r} is no address such as https://errors.example.com")
    return text.rstrip("/")
