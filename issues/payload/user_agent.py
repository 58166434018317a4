"""What a User-Agent header tells: the contexts `browser`, `os` and `device`."""

from functools import lru_cache

import ua_parser

from issues.payload.values import JsonObject

MAX_USER_AGENT = 512


def contexts_of(user_agent: str) -> dict[str, JsonObject]:
    """The contexts that a User-Agent stands for, by name; those it tells nothing about are left
    out (ingest contract, section 7). The caller must not change them."""
    return _contexts_of(user_agent[:MAX_USER_AGENT])


@lru_cache(maxsize=4096)
def _contexts_of(user_agent: str) -> dict[str, JsonObject]:
    found = ua_parser.parse(user_agent)
    contexts = {}
    if found.user_agent:
        browser = found.user_agent
        version = _version(browser.major, browser.minor, browser.patch)
        contexts["browser"] = _context("browser", name=browser.family, version=version)
    if found.os:
        system = found.os
        version = _version(system.major, system.minor, system.patch)
        contexts["os"] = _context("os", name=system.family, version=version)
    if found.device:
        device = found.device
        contexts["device"] = _context(
            "device", family=device.family, model=device.model, brand=device.brand
        )
    return contexts


def _version(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)


def _context(kind: str, **details: str | None) -> JsonObject:
    return {key: value for key, value in details.items() if value} | {"type": kind}
