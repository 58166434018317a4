from typing import Any

import pytest

from sentrylite.organizations.dsn import Dsn, build

KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("base_url", "dsn"),
    [
        ("http://localhost:8000", f"http://{KEY}@localhost:8000/7"),
        ("https://errors.example.com", f"https://{KEY}@errors.example.com/7"),
        ("https://example.com/errors", f"https://{KEY}@example.com/errors/7"),
        ("http://[::1]:8000", f"http://{KEY}@[::1]:8000/7"),
    ],
)
def test_what_is_built_can_be_read(base_url: str, dsn: str) -> None:
    assert build(KEY, 7, base_url=base_url) == dsn
    assert Dsn.parse(dsn) == Dsn(base_url, KEY, 7)


def test_the_address_is_the_public_one(settings: Any) -> None:
    settings.PUBLIC_URL = "https://errors.example.com"
    assert build(KEY, 7) == f"https://{KEY}@errors.example.com/7"
    settings.PUBLIC_URL = ""
    assert build(KEY, 7) == f"http://{KEY}@localhost:8000/7"


def test_old_sdks_have_a_secret() -> None:
    dsn = build(KEY, 7, secret_key="s" * 32, base_url="https://example.com")
    assert dsn == f"https://{KEY}:{'s' * 32}@example.com/7"
    assert Dsn.parse(f" {dsn} \n").secret_key == "s" * 32


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "looks like"),
        ("example.com/7", "looks like"),
        (f"ftp://{KEY}@example.com/7", "looks like"),
        (f"https://{KEY}@/7", "looks like"),
        ("https://example.com/7", "public key"),
        (f"https://{KEY.upper()}@example.com/7", "public key"),
        (f"https://{KEY}@example.com/", "id of its project"),
        (f"https://{KEY}@example.com/shop", "id of its project"),
        (f"https://{KEY}@[::1/7", "IPv6"),
    ],
)
def test_what_is_no_dsn_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Dsn.parse(text)
