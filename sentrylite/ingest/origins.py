"""Where a browser's request comes from, and whether its project takes events from there."""

from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The Origin header, else scheme and host of the Referer; None when neither says anything.

    A literal `null`, the origin of local files and sandboxes, is returned as it is.
    """
    if origin := headers.get(b"origin"):
        return origin.decode("latin-1")
    referer = headers.get(b"referer")
    if not referer:
        return None
    url = _split(referer.decode("latin-1"))
    return f"{url.scheme}://{url.netloc}" if url and url.scheme and url.netloc else None


def is_allowed(origin: str, domains: Collection[str]) -> bool:
    """Whether one of a project's allowed domains covers `origin`, an origin or a URL.

    A domain is `*`, `host`, `*.host` (and the host itself), `host:port` or `*:port`, after a
    scheme and before the start of a path if need be, in any letter case (ingest contract,
    section 3).
    """
    if "*" in domains:
        return True
    url = _split(origin.lower())
    if url is None or not url.hostname:
        return False
    return any(_covers(domain.lower(), url) for domain in domains)


def _covers(domain: str, url: SplitResult) -> bool:
    scheme, separator, rest = domain.rpartition("://")
    wanted = _split("//" + rest)
    if wanted is None or not wanted.hostname:
        return False
    return (
        (not separator or scheme in ("*", url.scheme))
        and _covers_host(wanted.hostname, url.hostname or "")
        and (wanted.port is None or wanted.port == (url.port or DEFAULT_PORTS.get(url.scheme)))
        and (url.path or "/").startswith(wanted.path.removesuffix("*") or "/")
    )


def _covers_host(wanted: str, host: str) -> bool:
    if wanted.startswith("*."):
        return host == wanted[2:] or host.endswith(wanted[1:])
    return wanted in ("*", host)


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None for what is none, such as a port that is not a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
