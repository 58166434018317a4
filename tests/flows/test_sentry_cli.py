"""sentry-cli as people and pipelines run it, of today and of years ago, against a real server."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests import debug_files, live

pytestmark = [pytest.mark.live, pytest.mark.sentry_cli]

# The oldest that the package index has, the last 2.x, and the newest when this was written.
VERSIONS = ["2.1.4", "2.58.6", "3.8.2"]
SHOP = Path(__file__).parent / "shop"
AUTHOR = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]


@dataclass(frozen=True)
class Cli:
    """A sentry-cli that knows its server, its organization and its project."""

    program: Path
    version: str
    server: live.Server
    home: Path
    """Where it is run."""
    organization: str
    dsn: str
    token: str

    def __call__(self, *arguments: str) -> str:
        """What it prints; it has to succeed."""
        result = self.run(*arguments)
        assert result.returncode == 0, (arguments, result.stdout, result.stderr)
        return result.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "HOME": str(self.home),
            "SENTRY_URL": self.server.url,
            "SENTRY_AUTH_TOKEN": self.token,
            "SENTRY_ORG": self.organization,
            "SENTRY_PROJECT": "shop",
            "SENTRY_DSN": self.dsn,
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
        }
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], **settings},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def is_before(self, major: int, minor: int = 0) -> bool:
        return tuple(map(int, self.version.split(".")))[:2] < (major, minor)

    def get(self, path: str) -> Any:
        status, body = self.server.get(f"/api/0/{path}", token=self.token)
        assert status == 200, body
        return json.loads(body)

    def of_project(self, path: str) -> Any:
        return self.get(f"projects/{self.organization}/shop/{path}")

    def of_organization(self, path: str) -> Any:
        return self.get(f"organizations/{self.organization}/{path}")

    def statuses(self) -> dict[str, str]:
        """The status of each issue, by title."""
        return {issue["title"]: issue["status"] for issue in self.of_project("issues/?query=")}

    def send(self, event: dict[str, Any]) -> Any:
        """Send an event as an SDK does; the event as it is read back."""
        status, body = self.server.send_event(self.dsn, event)
        assert status == 200, body
        return self.of_project(f"events/{json.loads(body)['id']}/")


@pytest.fixture(scope="session")
def install(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Installs a version from the package index, once for all runs, and says where it is."""
    assert pytestconfig.cache is not None
    places = pytestconfig.cache.mkdir("sentry-cli")

    def install(version: str) -> Path:
        program = places / version / "bin" / "sentry-cli"
        with (places / f"{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
                wanted = ["--target", str(places / version), f"sentry-cli=={version}"]
                subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)
        return program

    return install


@pytest.fixture(scope="module")
def server() -> Iterator[live.Server]:
    with live.server() as server:
        yield server


numbers = count(1)


@pytest.fixture(params=VERSIONS)
def cli(
    request: pytest.FixtureRequest,
    server: live.Server,
    install: Callable[[str], Path],
    tmp_path: Path,
) -> Cli:
    """Each version, with an organization of its own and an empty directory to work in."""
    made = server.setup(organization=f"acme-{next(numbers)}", project="shop")
    program = install(request.param)
    return Cli(
        program, request.param, server, tmp_path, made["organization"], made["dsn"], made["token"]
    )


# Who and where ------------------------------------------------------------------------------------


def test_it_finds_its_way_about(cli: Cli) -> None:
    info = cli("info")
    assert f"Default Organization: {cli.organization}" in info
    assert "User: admin@localhost" in info
    assert "- project:releases" in info
    assert cli.organization in cli("organizations", "list")
    assert "| shop |" in cli("projects", "list")
    assert "No repos found" in cli("repos", "list")


def test_a_wrong_token_is_said_so(cli: Cli) -> None:
    result = cli.run("--auth-token", "sntryu_" + "0" * 64, "projects", "list")
    assert result.returncode != 0
    assert "Invalid token" in result.stderr


# Events and issues --------------------------------------------------------------------------------


def test_events_are_sent_and_issues_are_changed(cli: Cli, tmp_path: Path) -> None:
    cli("send-event", "-m", "Out of %s", "-a", "hammers", "-t", "area:north", "-e", "shelf:7",
        "--release", "shop@1.0", "--env", "staging", "-u", "email:ann@example.com", "-l",
        "warning")  # fmt: skip
    stored = tmp_path / "event.json"
    stored.write_text(json.dumps({"event_id": "7" * 32, "message": "From a file"}))
    cli("send-event", str(stored))
    envelope = tmp_path / "an.envelope"
    item = json.dumps({"event_id": "8" * 32, "message": "From an envelope"})
    envelope.write_text(f'{{"event_id":"{"8" * 32}"}}\n{{"type":"event"}}\n{item}\n')
    cli("send-envelope", str(envelope))

    listed = cli("events", "list", "--show-tags", "--show-user")
    for text in ("Out of hammers", "From a file", "From an envelope", "area: north"):
        assert text in listed
    [hammers] = cli.of_project("issues/?query=area:north")
    assert (hammers["title"], hammers["level"]) == ("Out of hammers", "warning")

    everything = set(cli.statuses())
    assert everything == {"Out of hammers", "From a file", "From an envelope"}
    if not cli.is_before(2, 58):
        assert "Out of hammers" in cli("issues", "list")
        assert "No issues found" in cli("issues", "list", "--query", "is:resolved")

    cli("issues", "mute", "-i", hammers["id"])
    assert cli.statuses()["Out of hammers"] == "ignored"
    cli("issues", "resolve", "--status", "unresolved")
    assert list(cli.statuses().values()).count("resolved") == 2
    cli("issues", "unresolve", "--all")
    assert cli.statuses() == dict.fromkeys(everything, "unresolved")
    cli("issues", "resolve", "--all", "--next-release")
    assert cli.statuses() == dict.fromkeys(everything, "resolved")


# Releases -----------------------------------------------------------------------------------------


def git(home: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", *AUTHOR, *arguments], cwd=home, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def make_repository(home: Path, *messages: str) -> str:
    """A repository with a commit for each message; its last commit."""
    git(home, "init", "--quiet", "--initial-branch", "main")
    git(home, "remote", "add", "origin", "https://git.example.com/acme/shop.git")
    for number, message in enumerate(messages):
        (home / "shop.txt").write_text(str(number))
        git(home, "add", "shop.txt")
        git(home, "commit", "--quiet", "--message", message)
    return git(home, "rev-parse", "HEAD")


def test_a_release_from_its_name_to_its_end(cli: Cli) -> None:
    version = "com.example.shop@1.2.0+7"
    issue = cli.send({"event_id": "1" * 32, "message": "Out of nails"})["groupID"]
    short_id = cli.get(f"issues/{issue}/")["shortId"]
    head = make_repository(cli.home, "Open the shop", f"Buy nails\n\nFixes {short_id}")
    assert cli("releases", "propose-version").strip() == head

    cli("releases", "new", version, "--url", "https://example.com/1.2.0")
    cli("releases", "new", version)  # again, as pipelines that are started again do
    cli("releases", "set-commits", version, "--local", "--ignore-missing", "--initial-depth", "5")
    cli("releases", "finalize", version)
    assert version in cli("releases", "list")
    assert version in cli("releases", "info", version, "--show-commits")

    release = cli.of_organization(f"releases/{version}/")
    assert release["url"] == "https://example.com/1.2.0"
    assert release["dateReleased"] is not None
    assert release["commitCount"] == 2
    assert release["lastCommit"]["id"] == head
    assert [author["email"] for author in release["authors"]] == ["ann@example.com"]
    fixed = cli.get(f"issues/{issue}/")
    assert fixed["status"] == "resolved"
    assert fixed["statusDetails"]["inRelease"] == version

    cli("deploys", "new", "--release", version, "--env", "production", "--name", "first")
    assert "production" in cli("deploys", "list", "--release", version)
    [deploy] = cli.of_organization(f"releases/{version}/deploys/")
    assert (deploy["environment"], deploy["name"]) == ("production", "first")
    cli("releases", "deploys", version, "new", "--env", "staging")  # as it was called once
    assert "staging" in cli("releases", "deploys", version, "list")

    cli("releases", "archive", version)
    assert cli.of_organization(f"releases/{version}/")["status"] == "archived"
    cli("releases", "restore", version)
    assert cli.of_organization(f"releases/{version}/")["status"] == "open"
    cli("releases", "delete", version)
    assert version not in cli("releases", "list")


def test_commits_are_named_by_hand(cli: Cli) -> None:
    head = make_repository(cli.home, "Open the shop")
    cli("releases", "new", "1.0")
    status, body = live.fetch(
        f"{cli.server.url}/api/0/organizations/{cli.organization}/repos/",
        token=cli.token,
        data=json.dumps({"name": "acme/shop", "provider": "github"}).encode(),
        content_type="application/json",
    )
    assert status == 201, body
    assert "acme/shop" in cli("repos", "list")
    said = cli("releases", "set-commits", "1.0", "--commit", f"acme/shop@{head}")
    assert head[:12] in said
    cli("releases", "set-commits", "1.0", "--clear")


# Source maps --------------------------------------------------------------------------------------

THROWN = {"type": "TypeError", "value": "A line of the basket has no price"}


def build(home: Path) -> Path:
    """A directory `shop` with sources, and what was built of them: the file that browsers get."""
    copytree(SHOP, home / "shop")
    return home / "shop/built/basket.min.js"


def crash(url: str, bundle: Path, **more: Any) -> dict[str, Any]:
    """An event as a browser's SDK sends it, that is thrown in this file, which was at this URL."""
    before, _, _ = bundle.read_text().partition("throw new TypeError")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    frame = {"filename": url, "abs_path": url, "function": "c", "lineno": line, "colno": column}
    exception = {**THROWN, "stacktrace": {"frames": [frame]}}
    return {"platform": "javascript", "exception": {"values": [exception]}, **more}


def frame_of(event: Any) -> Any:
    [exception] = next(e for e in event["entries"] if e["type"] == "exception")["data"]["values"]
    return exception["stacktrace"]["frames"][-1]


def check_original(event: Any) -> None:
    """That the event tells of the source as it was written."""
    assert event["errors"] == []
    frame = frame_of(event)
    assert frame["filename"].endswith("basket.js")
    assert (frame["function"], frame["lineNo"]) == ("addUp", 10)
    text = '    throw new TypeError("A line of the basket has no price");'
    assert [10, text] in frame["context"]
    assert event["culprit"].startswith("addUp(")


def test_source_maps_are_found_by_release_and_address(cli: Cli) -> None:
    bundle = build(cli.home)
    url = "https://shop.example.com/static/basket.min.js"
    event = crash(url, bundle, release="shop@1.0", dist="blue")
    cli("releases", "new", "shop@1.0")
    cli("sourcemaps", "upload", "--release", "shop@1.0", "--dist", "blue", "--url-prefix",
        "~/static", "--wait", "shop/built")  # fmt: skip
    check_original(cli.send(event))
    assert frame_of(cli.send(event | {"release": "shop@2.0"}))["function"] == "c"


def test_source_maps_are_found_by_debug_id(cli: Cli) -> None:
    bundle = build(cli.home)
    cli("sourcemaps", "inject", "shop/built")
    cli("sourcemaps", "upload", "--wait", "shop/built")
    cli("sourcemaps", "upload", "--wait", "shop/built")  # nothing is left to upload
    looked_up = cli("sourcemaps", "resolve", "shop/built/basket.min.js.map", "--line", "1")
    assert "source map type: regular" in looked_up
    source_map = json.loads(bundle.with_name("basket.min.js.map").read_text())
    debug_id = source_map.get("debug_id") or source_map["debugId"]
    url = "app:///basket.min.js"
    image = {"type": "sourcemap", "code_file": url, "debug_id": debug_id}
    check_original(cli.send(crash(url, bundle, debug_meta={"images": [image]})))


def test_what_keeps_a_source_map_from_being_found_is_explained(cli: Cli) -> None:
    if not cli.is_before(2, 58):
        pytest.skip("this sentry-cli explains no source maps")
    event = crash("https://shop.example.com/basket.min.js", build(cli.home))
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    frames[-1]["in_app"] = True
    frames.insert(0, {"filename": "https://cdn.example.com/library.js", "in_app": False})

    def explain(version: str) -> str:
        found = cli.send(event | {"release": version})
        return cli.run("sourcemaps", "explain", found["eventID"]).stdout

    cli("releases", "new", "1.0")
    for name in ("basket.min.js", "basket.min.js.map"):
        cli("files", "upload", "--release", "1.0", f"shop/built/{name}", f"~/{name}")
    assert "Exception is already source mapped" in explain("1.0")
    assert "verify-artifacts-are-uploaded" in explain("2.0")


def test_files_of_a_release(cli: Cli) -> None:
    if not cli.is_before(2, 58):
        pytest.skip("this sentry-cli has no command for files of a release")
    build(cli.home)
    cli("releases", "new", "1.0")
    cli("files", "upload", "--release", "1.0", "shop/basket.js", "~/basket.js")
    assert "~/basket.js" in cli("files", "list", "--release", "1.0")
    [file] = cli.of_project("releases/1.0/files/")
    assert (file["name"], file["size"]) == ("~/basket.js", (SHOP / "basket.js").stat().st_size)
    cli("files", "delete", "--release", "1.0", "~/basket.js")
    assert cli.of_project("releases/1.0/files/") == []


# Debug files --------------------------------------------------------------------------------------

BREAKPAD = """\
MODULE Linux x86_64 C0BCC3F19827FE653058404B2831D9E60 shop
INFO CODE_ID F1C3BCC0279865FE3058404B2831D9E64135386C
FILE 0 /src/shop/basket.c
FUNC 1000 40 0 add_up
1000 10 7 0
1010 30 9 0
PUBLIC 2000 0 main
"""
MAPPING = """\
org.example.shop.Basket -> a.a:
    7:9:int addUp(int,int) -> a
"""


def test_debug_files_are_uploaded_once(cli: Cli) -> None:
    symbols = cli.home / "shop.sym"
    symbols.write_text(BREAKPAD)
    debug_id = "c0bcc3f1-9827-fe65-3058-404b2831d9e6"
    assert debug_id in cli("debug-files", "check", "shop.sym")
    assert "/src/shop/basket.c" in cli("debug-files", "print-sources", "shop.sym")
    cli("debug-files", "bundle-sources", "shop.sym")
    cli("debug-files", "upload", "--wait", "shop.sym")
    [file] = cli.of_project("files/dsyms/")
    assert (file["debugId"], file["symbolType"], file["cpuName"]) == (
        debug_id, "breakpad", "x86_64",
    )  # fmt: skip
    cli("debug-files", "upload", "--wait", "shop.sym")
    assert len(cli.of_project("files/dsyms/")) == 1


def test_mappings_are_uploaded(cli: Cli) -> None:
    (cli.home / "mapping.txt").write_text(MAPPING)
    cli("upload-proguard", "mapping.txt")
    [file] = cli.of_project("files/dsyms/")
    assert file["symbolType"] == "proguard"
    if cli.is_before(3):
        build = ["--app-id", "org.example.shop", "--version", "1.0", "--version-code", "7"]
        cli("upload-proguard", *build, "mapping.txt")


def test_programs_of_all_systems_are_uploaded(cli: Cli) -> None:
    (cli.home / "shop.dylib").write_bytes(debug_files.mach_o())
    (cli.home / "shop.dll").write_bytes(debug_files.pe())
    (cli.home / "shop.wasm").write_bytes(debug_files.wasm())
    cli("upload-dif", "--wait", ".")
    found = {file["objectName"]: file["symbolType"] for file in cli.of_project("files/dsyms/")}
    assert found == {"shop.dylib": "macho", "shop.dll": "pe", "shop.wasm": "wasm"}
