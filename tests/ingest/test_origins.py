import pytest

from sentrylite.ingest.origins import is_allowed, origin_of


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, None),
        ({b"origin": b"https://a.example"}, "https://a.example"),
        ({b"origin": b"null"}, "null"),
        ({b"origin": b"https://a.example", b"referer": b"https://b.example/"}, "https://a.example"),
        ({b"referer": b"https://b.example:8000/page?q#f"}, "https://b.example:8000"),
        ({b"origin": b"", b"referer": b"https://b.example/"}, "https://b.example"),
        ({b"referer": b"/page"}, None),
        ({b"referer": b"https://[broken"}, None),
    ],
)
def test_where_a_request_comes_from(headers: dict[bytes, bytes], origin: str | None) -> None:
    assert origin_of(headers) == origin


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("*", "https://anything.example"),
        ("*", "null"),
        ("example.com", "http://example.com"),
        ("example.com", "https://example.com:8443"),
        ("Example.COM", "https://EXAMPLE.com"),
        ("example.com:8443", "https://example.com:8443"),
        ("example.com:443", "https://example.com"),
        ("*:8443", "https://example.com:8443"),
        ("*.example.com", "https://example.com"),
        ("*.example.com", "https://a.b.example.com"),
        ("https://example.com", "https://example.com"),
        ("https://*.example.com", "https://a.example.com"),
        ("*://example.com", "https://example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("example.com/shop", "https://example.com/shop/cart"),
        ("example.com/shop*", "https://example.com/shopping"),
        ("example.com/", "https://example.com"),
        ("[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_allowed(domain: str, origin: str) -> None:
    assert is_allowed(origin, ["other.example", domain])


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("example.com", "https://evil-example.com"),
        ("example.com", "https://example.com.evil.example"),
        ("example.com", "https://a.example.com"),
        ("*.example.com", "https://evilexample.com"),
        ("example.com:8443", "https://example.com"),
        ("*:8443", "https://example.com"),
        ("https://example.com", "http://example.com"),
        ("example.com/shop", "https://example.com/"),
        ("example.com/shop", "https://example.com"),
        ("example.com", "null"),
        ("example.com", "nonsense"),
        ("example.com", "https://[broken"),
        ("example.com", "https://example.com:port"),
        ("", "https://example.com"),
        ("https://", "https://example.com"),
        ("example.com:port", "https://example.com"),
    ],
)
def test_not_allowed(domain: str, origin: str) -> None:
    assert not is_allowed(origin, [domain])


def test_nothing_is_allowed_by_no_domains() -> None:
    assert not is_allowed("https://example.com", [])
