"""The HTTP request during which an event happened."""

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson

from issues.payload.fields import read_object, read_pairs
from issues.payload.problems import Problems
from issues.payload.values import JsonObject, clean, clean_text, read_address, trim, trim_tree

MAX_ITEMS = 50
MAX_URL = 2048
MAX_QUERY = 4096
MAX_FRAGMENT = 1024
MAX_VALUE = 8192
MAX_BODY = 16384

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"

_METHOD = re.compile(r"[A-Z_-]{3,32}")
_BARE_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]+")
_FORM = re.compile(r"[^\s=&]+=(?!=?$)[^\s&]*(?:&[^\s=&]+=[^\s&]*)*")
"""Pairs without white space; a lone name with `=` or `==` after it is rather base64."""


def read_request(
    value: Any, path: str, problems: Problems, client_address: str | None
) -> JsonObject | None:
    """`{"url", "method", "query_string", "fragment", "headers", "cookies", "data", "env",
    "inferred_content_type"}` as far as known; lists of pairs for query, headers and cookies
    (ingest contract, section 6)."""
    source = read_object(value, path, problems, "expected request")
    if not source:
        return None
    headers, cookies = _read_headers_and_cookies(source, path, problems)
    data, inferred = _read_body(source.get("data"))
    request = {
        **_read_address_parts(source, path, problems),
        "method": _read_method(source.get("method"), f"{path}.method", problems),
        "headers": headers,
        "cookies": cookies,
        "data": data,
        "env": _read_env(source.get("env"), f"{path}.env", problems, client_address),
        "inferred_content_type": _media_type(headers) or inferred,
    }
    return {key: item for key, item in request.items() if item not in (None, "", [], {})} or None


def find_header(request: JsonObject, name: str) -> str | None:
    """The value of a header of a stored request, by its title-cased name."""
    return next((value for key, value in request.get("headers", ()) if key == name), None)


def _read_address_parts(source: JsonObject, path: str, problems: Problems) -> JsonObject:
    """The URL, with query and fragment moved out of it unless they were given themselves."""
    url = source.get("url")
    if type(url) is not str:
        if url is not None:
            problems.invalid(f"{path}.url", url, "expected a string")
        url = ""
    url, _, own_fragment = url.strip().partition("#")
    url, _, own_query = url.partition("?")
    if _BARE_HOST.fullmatch(url):
        url += "/"
    fragment = source.get("fragment")
    query = source.get("query_string") or own_query
    return {
        "url": trim(url, MAX_URL),
        "query_string": _read_query(query, f"{path}.query_string", problems),
        "fragment": trim(
            fragment if type(fragment) is str and fragment else own_fragment, MAX_FRAGMENT
        ),
    }


def _read_query(value: Any, path: str, problems: Problems) -> list[list[str]]:
    if type(value) is str:
        text = trim(value.removeprefix("?"), MAX_QUERY)
        return [[clean_text(part) for part in pair] for pair in _form_pairs(text)]
    return _bounded(read_pairs(value, path, problems), MAX_QUERY)


def _form_pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _read_method(value: Any, path: str, problems: Problems) -> str | None:
    if type(value) is str and _METHOD.fullmatch(value.upper()):
        return value.upper()
    if value is not None:
        problems.invalid(path, value, "invalid characters in string")
    return None


def _read_headers_and_cookies(
    source: JsonObject, path: str, problems: Problems
) -> tuple[list[list[str]], list[list[str]]]:
    """Headers by name; the `Cookie` header gives way to the cookies in it."""
    pairs = read_pairs(source.get("headers"), f"{path}.headers", problems)
    headers = sorted([trim(name.title(), 256), value] for name, value in pairs)
    cookies = _read_cookies(source.get("cookies"), f"{path}.cookies", problems)
    sent = [value for name, value in headers if name == "Cookie"]
    if sent:
        cookies = cookies or _split_cookies("; ".join(sent))
        if cookies:
            headers = [header for header in headers if header[0] != "Cookie"]
    return _bounded(headers, MAX_VALUE), _bounded(cookies, MAX_VALUE)


def _read_cookies(value: Any, path: str, problems: Problems) -> list[list[str]]:
    return _split_cookies(value) if type(value) is str else read_pairs(value, path, problems)


def _split_cookies(text: str) -> list[list[str]]:
    parts = (part.strip().split("=", 1) for part in text.split(";"))
    return [part for part in parts if len(part) == 2 and part[0]]


def _bounded(pairs: list[list[str]], limit: int) -> list[list[str]]:
    return [[trim(name, 256), trim(value, limit)] for name, value in pairs[:MAX_ITEMS]]


def _read_body(value: Any) -> tuple[Any, str | None]:
    """The body, decoded if it is JSON or a form, and the media type that it was then."""
    decoded, inferred = value, None
    if type(value) is str:
        decoded, inferred = _decode(value)
    elif isinstance(value, int | float):
        decoded = orjson.dumps(value).decode()
    return (None, None) if decoded is None else (trim_tree(decoded, MAX_BODY), inferred)


def _decode(text: str) -> tuple[Any, str | None]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return clean(orjson.loads(text)), JSON_TYPE
        except orjson.JSONDecodeError:
            return text, None
    if _FORM.fullmatch(text):
        form: JsonObject = {}
        for name, value in _form_pairs(text):
            form.setdefault(name, []).append(value)
        return clean({k: v[0] if len(v) == 1 else v for k, v in form.items()}), FORM_TYPE
    return text, None


def _media_type(headers: list[list[str]]) -> str | None:
    content_type = next((value for name, value in headers if name == "Content-Type"), "")
    return trim(content_type.partition(";")[0].strip(), 128) or None


def _read_env(
    value: Any, path: str, problems: Problems, client_address: str | None
) -> JsonObject | None:
    source = read_object(value, path, problems, "expected an object")
    if not source:
        return None
    env = trim_tree(dict(list(source.items())[:MAX_ITEMS]), MAX_VALUE)
    if "REMOTE_ADDR" in env:
        address = env.pop("REMOTE_ADDR")
        known = client_address if address == "{{auto}}" else None
        if known is None and type(address) is str:
            known = read_address(address)
        if known is not None:
            env["REMOTE_ADDR"] = known
        elif address not in (None, "", "{{auto}}"):
            problems.invalid(f"{path}.REMOTE_ADDR", address, "expected an ip address")
    return env
