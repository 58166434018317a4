import socket
from typing import Any

import pytest

from sentrylite import outbound
from sentrylite.outbound import BadAddress, Refused, Target, addresses, read_url

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:224.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize(
    "url, target",
    [
        ("http://example.com", Target("http", "example.com", 80, "/")),
        ("https://example.com/a?b=c#d", Target("https", "example.com", 443, "/a?b=c")),
        ("HTTPS://EXAMPLE.com:8443/", Target("https", "example.com", 8443, "/")),
        ("http://bot:3000/hook", Target("http", "bot", 3000, "/hook")),
        ("http://my_bot.local./", Target("http", "my_bot.local.", 80, "/")),
        (
            "http://bücher.example/ü?ä",
            Target("http", "xn--bcher-kva.example", 80, "/%C3%BC?%C3%A4"),
        ),
        ("http://example.com/a%20b", Target("http", "example.com", 80, "/a%20b")),
        ("http://[2606:4700::1111]:81/", Target("http", "2606:4700::1111", 81, "/")),
    ],
)
def test_a_url_in_parts(url: str, target: Target) -> None:
    assert read_url(url) == target


def test_what_the_host_header_says() -> None:
    assert read_url("http://example.com:80/").authority == "example.com"
    assert read_url("https://example.com:80/").authority == "example.com:80"
    assert read_url("http://[2606:4700::1111]:81/").authority == "[2606:4700::1111]:81"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://:80/",
        "http://?",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:x/",
        "http://example.com:-1/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/\r\nHost: other",
        "http://exam\tple.com/",
        "http://example.com/\0",
        " http://example.com/",
        "http://example..com/",
        "http://-example.com/",
        "http://exa%6dple.com/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://[nope]/",
        "http://example.com/\ud800",
        "http://\ud800.com/",
        f"http://{'a' * 64}.com/",
        f"http://example.com/{'a' * 512}",
    ],
)
def test_what_is_no_url_of_something_to_ask(url: str) -> None:
    with pytest.raises(BadAddress):
        read_url(url, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_in_digits(address: str) -> None:
    assert read_url(f"http://{bracketed(address)}/").host == address


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_only_this_server_reaches(address: str) -> None:
    url = f"http://{bracketed(address)}/"
    with pytest.raises(Refused):
        read_url(url)
    assert read_url(url, allow_private=True).host == address


# Names --------------------------------------------------------------------------------------------


def resolves_to(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str]:
    """From now on every name has these addresses; returns the names that were asked for."""
    asked = []

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_names_of_such_addresses(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolves_to(monkeypatch, "8.8.8.8", address)
    target = read_url("https://innocent.example.com/")
    with pytest.raises(Refused, match="not a public address"):
        outbound.post(target, b"{}", {})
    assert asked == ["innocent.example.com"]


@pytest.mark.parametrize(
    "host", ["localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost."]
)
def test_loopback_by_other_names(host: str) -> None:
    try:
        socket.getaddrinfo(host, 80)
    except OSError:
        pytest.skip("nobody here understands this name")
    with pytest.raises(Refused):
        outbound.post(read_url(f"http://{host}/"), b"{}", {})


def test_addresses_of_a_name_are_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, "8.8.8.8", "2606:4700::1111", "8.8.8.8", "8.8.4.4%0")
    target = read_url("http://example.com/")
    assert addresses.resolve(target, allow_private=False, timeout=1) == [
        "8.8.8.8",
        "2606:4700::1111",
        "8.8.4.4",
    ]
