"""Requests to real servers on this machine."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sentrylite import outbound
from sentrylite.outbound import Answer, Failed, Refused, addresses, read_url, sending
from tests.receiver import closed_port, receiver


def ask(url: str, body: bytes = b'{"a":1}', **headers: str) -> Answer:
    return outbound.post(read_url(url, allow_private=True), body, headers, allow_private=True)


def test_a_request_is_sent_and_its_answer_read() -> None:
    with receiver((202, {"Retry-After": "7"})) as it:
        assert ask(f"{it.url}?a=b", **{"X-Test": "yes"}) == Answer(202, "7")
        [got] = it.got
    assert got.path == "/hook?a=b"
    assert got.body == b'{"a":1}'
    assert got.headers == {
        "Host": f"127.0.0.1:{it.port}",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": "7",
        "User-Agent": "sentrylite-hooks/1.0",
        "X-Test": "yes",
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with receiver() as other, receiver((status, {"Location": other.url})) as it:
        assert ask(it.url).status == status
        assert other.got == []


def test_it_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means something else when it is asked for again gains nothing."""
    with receiver() as it:
        answers = iter(["127.0.0.1", "0.0.0.1"])
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: Any, *rest: Any, **options: Any) -> list[Any]:
            if host == "rebinding.example.com":
                host = next(answers)
            return real(host, port, *rest, **options)

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
        assert ask(f"http://rebinding.example.com:{it.port}/x").status == 200
        assert it.got[0].headers["Host"] == f"rebinding.example.com:{it.port}"
        assert next(answers) == "0.0.0.1"  # nobody asked twice


def test_an_address_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as it:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, it.port))
            for host in ("127.0.0.2", "127.0.0.1")
        ]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            addresses.socket,
            "getaddrinfo",
            lambda host, *rest, **options: (
                found if host == "two.example.com" else real(host, *rest, **options)
            ),
        )
        assert ask(f"http://two.example.com:{it.port}/").status == 200


def test_without_permission_it_goes_nowhere_on_this_machine() -> None:
    with receiver() as it:
        target = read_url(it.url, allow_private=True)
        with pytest.raises(Refused, match=r"127\.0\.0\.1, which is not a public address"):
            outbound.post(target, b"{}", {})
        assert it.got == []


def test_nobody_there() -> None:
    with pytest.raises(Failed, match="refused"):
        ask(f"http://127.0.0.1:{closed_port()}/")


def test_a_name_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*rest: Any, **options: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Failed, match="Name or service not known"):
        ask("http://nowhere.example.com/")


# Others who take their time -----------------------------------------------------------------------


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(sending, "TOTAL_TIMEOUT", 0.8)


@contextmanager
def timed_out() -> Iterator[None]:
    begun = time.monotonic()
    with pytest.raises(Failed, match="timed out"):
        yield
    assert time.monotonic() - begun < 5


def drip(handler: Any) -> None:
    """An answer, a byte every tenth of a second: none of them is late."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("reaction", [lambda handler: time.sleep(4), drip])
def test_who_does_not_answer_in_time(brief: None, reaction: Callable[[Any], None]) -> None:
    with receiver(reaction) as it, timed_out():
        ask(it.url)


def test_a_resolver_that_does_not_answer_in_time(
    brief: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(
        addresses.socket, "getaddrinfo", lambda *rest, **options: done.wait(5) and []
    )
    with timed_out():
        ask("http://slow.example.com/")
    done.set()


def test_who_does_not_shake_hands_in_time(brief: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, timed_out():
        ask(f"https://127.0.0.1:{mute.getsockname()[1]}/")


def test_of_a_huge_answer_only_the_head_is_read() -> None:
    written = []

    def pour(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while len(written) < 1000:
                written.append(handler.wfile.write(bytes(1_000_000)))
        except OSError:
            pass

    with receiver(pour) as it:
        begun = time.monotonic()
        assert ask(it.url).status == 200
        assert time.monotonic() - begun < 5
    assert len(written) < 100


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_http(said: bytes) -> None:
    with receiver(lambda handler: handler.wfile.write(said)) as it, pytest.raises(Failed):
        ask(it.url)


# Certificates -------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of hooks.example.com, signed by itself, with its key."""
    path = tmp_path / "certificate.pem"
    command = f"""
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hooks.example.com
        -addext subjectAltName=DNS:hooks.example.com -keyout {path} -out {path}.crt
    """
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@contextmanager
def encrypted(certificate: Path) -> Iterator[int]:
    """A port at which somebody with this certificate answers one request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda sock, name, context: names.append(name)

    def serve(listener: socket.socket) -> None:
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as sock:
                while not sock.recv(10_000).endswith(b"}"):
                    pass
                sock.sendall(f"HTTP/1.1 200 OK\r\nRetry-After: {names[0]}\r\n\r\n".encode())
        except OSError:
            pass  # it is not trusted

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.fixture
def all_names_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        addresses.socket,
        "getaddrinfo",
        lambda host, port, *rest, **options: real("127.0.0.1", port, *rest, **options),
    )


def test_a_certificate_of_the_name_is_asked_for(
    certificate: Path, all_names_are_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(sending, "_trust", lambda: trust)
    with encrypted(certificate) as port:
        answer = ask(f"https://hooks.example.com:{port}/")
        assert answer == Answer(200, "hooks.example.com")  # the name it was asked for by TLS
    with encrypted(certificate) as port, pytest.raises(Failed, match="Hostname mismatch"):
        ask(f"https://other.example.com:{port}/")


def test_a_certificate_that_nobody_knows(certificate: Path, all_names_are_here: None) -> None:
    with encrypted(certificate) as port, pytest.raises(Failed, match="self-signed certificate"):
        ask(f"https://hooks.example.com:{port}/")
