import multiprocessing
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sentrylite import cli, schema
from sentrylite.serving import addresses, banner, files, options, workers
from sentrylite.serving.errors import ServingError

VARIABLES = ("HOST", "PORT", "WORKERS", "DATA_DIR", "URL", "BACKGROUND", "CLIENT_TIMEOUT")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"SENTRYLITE_{name}", raising=False)


# The command --------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
def test_help_names_our_commands_first(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 0
    printed = capsys.readouterr().out
    commands = re.findall(r"^  ([a-z]+) {3,}\S", printed, re.MULTILINE)
    assert commands[:4] == ["serve", "setup", "demo", "createsuperuser"]


def test_the_commands_that_help_names_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import get_commands

    cli.run([])
    commands = set(re.findall(r"^  ([a-z]+) {3,}\S", capsys.readouterr().out, re.MULTILINE))
    assert commands - {"serve"} <= set(get_commands())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sentrylite ")


def test_the_main_process_does_not_import_django() -> None:
    script = (
        "import sys; import sentrylite.cli, sentrylite.serving.server\n"
        "sys.exit('django' in sys.modules)"
    )
    root = Path(cli.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", script], cwd=root).returncode == 0


def test_an_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["sentrylite", "shell", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert re.fullmatch(
        r"sentrylite: there is no database in .* DATABASE_URL\n", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "rest", "directory"),
    [
        (["migrate"], ["migrate"], None),
        (["setup", "--data-dir", "/x", "--json"], ["setup", "--json"], Path("/x")),
        (["--data-dir=/x", "demo", "--days", "3"], ["demo", "--days", "3"], Path("/x")),
        (["shell", "-c", "print(1)"], ["shell", "-c", "print(1)"], None),
    ],
)
def test_the_data_directory_is_taken_out(
    arguments: list[str], rest: list[str], directory: Path | None
) -> None:
    assert cli.take_data_dir(arguments) == (rest, directory)


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["migrate"], True),
        (["setup", "--organization", "acme"], True),
        (["setup", "--help"], False),
        (["help", "setup"], False),
        (["makemigrations", "--check"], False),
        (["--settings=x"], False),
    ],
)
def test_which_commands_need_a_database(arguments: list[str], needed: bool) -> None:
    assert cli.needs_database(arguments) is needed


# serve's options ----------------------------------------------------------------------------------


def test_options_have_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTRYLITE_DATA_DIR", "here")
    assert options.parse([]) == options.Options(
        host="127.0.0.1",
        port=8000,
        workers=options.default_workers(),
        data_dir=tmp_path / "here",
        url=None,
        demo=False,
        background=True,
        access_log=False,
        client_timeout=10,
    )


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = ("::1", "9000", "3", str(tmp_path), "https://errors.example.com/", "off", "30")
    for name, value in zip(VARIABLES, values, strict=True):
        monkeypatch.setenv(f"SENTRYLITE_{name}", value)
    expected = options.Options(
        host="::1",
        port=9000,
        workers=3,
        data_dir=tmp_path,
        url="https://errors.example.com",
        demo=False,
        background=False,
        access_log=False,
        client_timeout=30,
    )
    assert options.parse([]) == expected
    assert options.parse(["--background"]).background
    assert options.parse(["--port", "9001", "--demo"]).port == 9001


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "http"], "'http' is no port"),
        (["--port", "65536"], "'65536' is no port"),
        (["--port", "0"], "'0' is no port"),
        (["--workers", "0"], "'0' is no number from 1 to 256"),
        (["--workers", "many"], "'many' is no number"),
        (["--url", "errors.example.com"], "is no address such as https://"),
        (["--url", "ftp://example.com"], "is no address such as https://"),
        (["--data-dir", ""], "it is empty"),
        (["--client-timeout", "0"], "'0' is no number of seconds from 1 to 3600"),
        (["--client-timeout", "1.5"], "'1.5' is no number of seconds"),
        (["--prot", "8000"], "unrecognized arguments: --prot"),
    ],
)
def test_wrong_options_are_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        options.parse(arguments)
    assert complaint in capsys.readouterr().err


def test_a_wrong_environment_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SENTRYLITE_PORT", "http")
    with pytest.raises(SystemExit, match="2"):
        options.parse([])
    assert "argument --port: 'http' is no port" in capsys.readouterr().err


def test_every_variable_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        options.parse(["--help"])
    printed = capsys.readouterr().out
    assert all(f"SENTRYLITE_{name}" in printed for name in VARIABLES)


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_half_of_the_cores_work(monkeypatch: pytest.MonkeyPatch, cores: int, expected: int) -> None:
    monkeypatch.setattr(options, "_cores", lambda: cores)
    assert options.default_workers() == expected


# Addresses ----------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with socket.socket() as other:
        # As a server that shares its port: it must be noticed all the same.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServingError, match=rf"port {port} is taken: .* --port"):
            addresses.check("127.0.0.1", port)
    addresses.check("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServingError, match=r"192\.0\.2\.1: it is no address of this machine"):
        addresses.check("192.0.2.1", 8000)


def test_a_host_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ServingError, match=r"'no-such-host\.invalid': it is no host"):
        addresses.resolve("no-such-host.invalid", 8000)


def test_localhost_is_an_ip_address() -> None:
    assert addresses.resolve("localhost", 8000) in ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("0.0.0.0", None),
        ("::", None),
    ],
)
def test_the_address_follows_from_where_the_server_listens(host: str, url: str | None) -> None:
    assert addresses.url_of(host, 8000) == url
    assert addresses.local_url(host, 8000) == (url or "http://localhost:8000")


# Files --------------------------------------------------------------------------------------------


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    key = files.secret_key(tmp_path)
    assert len(key) >= 50
    assert files.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["secret-key"]


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"cannot use .*secret-key .* SENTRYLITE_DATA_DIR"):
        files.secret_key(tmp_path / "missing")


def test_the_demo_file_is_private_and_may_be_missing_or_broken(tmp_path: Path) -> None:
    path = tmp_path / "new" / "demo.json"
    assert files.read_demo(path) == {}
    files.write_demo(path, {"token": "t", "issue": None})
    assert files.read_demo(path) == {"token": "t", "issue": None}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("{")
    assert files.read_demo(path) == {}


def test_the_address_is_noted_for_other_commands(tmp_path: Path) -> None:
    assert files.read_url(tmp_path) is None
    files.write_url(tmp_path, "http://localhost:9000")
    assert files.read_url(tmp_path) == "http://localhost:9000"


# The banner ---------------------------------------------------------------------------------------


def test_the_banner_of_a_demo_can_be_pasted() -> None:
    demo: files.Demo = {
        "organization": "demo",
        "email": "demo@localhost",
        "password": "secret",
        "dsn": "http://key@localhost:8000/1",
        "token": "sntryu_1",
        "issue": "7",
    }
    text = banner.render(
        url="http://localhost:8000", data="/data", knows_its_address=True, demo=demo
    )
    assert "demo@localhost, password secret" in text
    assert (
        "curl -H 'Authorization: Bearer sntryu_1' http://localhost:8000/api/0/issues/7/\n" in text
    )
    assert "/api/0/organizations/demo/stats/\n" in text
    assert "/api/0/issues/" not in banner.render(
        url="http://localhost:8000",
        data="/data",
        knows_its_address=True,
        demo=demo | {"issue": None},
    )


def test_the_banner_says_when_an_address_is_missing() -> None:
    text = banner.render(url="http://localhost:1", data="/data", knows_its_address=False, demo={})
    assert "--url" in text
    assert "sentrylite setup" in text


# Watching the workers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "calls"),
    [
        ("S S R R", ["ready"]),
        ("S S S R R", ["ready"]),
        ("S S S S S", ["failure"]),
        ("S S R S S S S S", ["failure"]),
        # A worker that had been ready may fail as often as it likes.
        ("S S R R S R S R S R S R", ["ready"]),
    ],
)
def test_workers_that_never_get_ready_end_the_server(messages: str, calls: list[str]) -> None:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    meanings = {"S": workers.STARTING, "R": workers.READY}
    for message in messages.split():
        sending.send_bytes(meanings[message])
    sending.close()
    called: list[str] = []
    watch = workers.Watch(
        2, on_ready=lambda: called.append("ready"), on_failure=lambda: called.append("failure")
    )
    with receiving:
        watch.run(receiving)
    assert called == calls


# The database -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_old_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST_VERSION", 99)
    with pytest.raises(schema.Unusable, match=r"is PostgreSQL \d+; sentrylite needs 99 or later"):
        schema.ensure()


def test_a_database_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def refuse() -> None:
        raise OperationalError('connection to server at "db" failed: \n\tConnection refused\n')

    monkeypatch.setattr(schema, "connection", SimpleNamespace(cursor=refuse))
    with pytest.raises(schema.Unusable) as raised:
        schema.check_server()
    assert str(raised.value) == (
        'cannot reach the database: connection to server at "db" failed: Connection refused.'
        " Check DATABASE_URL."
    )


@pytest.mark.django_db
def test_a_database_that_is_up_to_date_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "call_command", None)
    schema.ensure()
