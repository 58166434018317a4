"""Made-up events, as sentry-sdk sends them for a Django site: the same for the same seed, on any
Python."""

import gzip
import json
import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, TypeVar

from .words import (
    APPS,
    ERRORS,
    LIBRARIES,
    MODULES,
    NOUNS,
    PACKAGES,
    REASONS,
    REGIONS,
    USER_AGENTS,
    VERBS,
)

T = TypeVar("T")
Json = dict[str, Any]

USERS = 1000
RELEASES = 5
# How much more frequent an issue is than the next: of 500, the first makes 19 % of the events.
ZIPF = 1.1
# Seconds over which the events happened.
SPREAD = 600.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What kind of events a corpus has."""

    issues: int
    is_full: bool
    """20 frames with source and variables, 30 breadcrumbs, request, 8 tags, contexts, modules:
    about 19 kB of JSON. Otherwise one frame and two tags: 1.3 kB."""


PROFILES = {
    "full": Profile(issues=500, is_full=True),
    "hot": Profile(issues=1, is_full=True),
    "tiny": Profile(issues=500, is_full=False),
}


@dataclass(frozen=True, slots=True)
class Event:
    event_id: str
    issue: int
    """Its number in the corpus; events of one issue share one stack trace and so one hash."""
    body: bytes
    """An envelope, compressed like sentry-sdk's."""
    size: int
    """Bytes of the envelope before that."""


def make(name: str, count: int, *, seed: str = "1", newest: float) -> Iterator[Event]:
    """The events of a profile, each with an id of its own; the last one happens at `newest`.

    Another seed changes ids and details, not the issues.
    """
    profile = PROFILES[name]
    draws = Draws(f"{name}:{seed}")
    issues = [make_issue(number, profile) for number in range(profile.issues)]
    numbers = assign_issues(draws, count, profile.issues)
    for index, number in enumerate(numbers):
        moment = newest - SPREAD * (count - 1 - index) / count
        event = make_event(draws, issues[number], moment, profile)
        envelope = envelope_of(event, moment)
        body = gzip.compress(envelope, mtime=0)
        yield Event(event["event_id"], number, body, len(envelope))


class Draws:
    """Draws from `random.random()`, which alone is promised never to change."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed).random

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def hex(self, digits: int) -> str:
        text = ""
        while len(text) < digits:
            text += f"{int(self.random() * 16**12):012x}"
        return text[:digits]

    def uuid(self) -> str:
        """The 32 digits of a random UUID."""
        digits = self.hex(32)
        return f"{digits[:12]}4{digits[13:16]}{self.pick('89ab')}{digits[17:]}"


def assign_issues(draws: Draws, count: int, issues: int) -> list[int]:
    """An issue's number for each event, by Zipf's law; each at least once where there is room."""
    sums = list(accumulate(number**-ZIPF for number in range(1, issues + 1)))
    numbers = [min(bisect_left(sums, draws.random() * sums[-1]), issues - 1) for _ in range(count)]
    if count >= issues:
        missing = sorted(set(range(issues)) - set(numbers))
        # All but the first event of an issue can make room.
        first = {number: at for at, number in reversed(list(enumerate(numbers)))}
        others = [at for at, number in enumerate(numbers) if at != first[number]]
        for number in missing:
            numbers[others.pop(draws.below(len(others)))] = number
    return numbers


# Issues -------------------------------------------------------------------------------------------


def make_issue(number: int, profile: Profile) -> Json:
    """What all events of an issue have in common."""
    draws = Draws(f"issue:{number}:{profile.is_full}")
    app, noun, verb = draws.pick(APPS), draws.pick(NOUNS), draws.pick(VERBS)
    subject = f"{draws.pick(NOUNS)} {draws.pick(NOUNS)} of {noun}"
    frames = 20 if profile.is_full else 1
    return {
        "type": draws.pick(ERRORS),
        "value": f"{subject} {draws.pick(REASONS)} in {verb}_{noun}",
        "transaction": f"/{app}/{noun}s/{{pk}}/{verb}/",
        "app": app,
        "logger": f"shop.{app}.{noun}",
        "frames": [
            make_frame(
                draws,
                app,
                # The innermost frames are the application's own, and some of the others.
                is_own=index >= frames - 6 or index % 5 == 4,
                function=f"{verb}_{noun}" if index == frames - 1 else None,
                has_source=profile.is_full,
            )
            for index in range(frames)
        ],
    }


def make_frame(
    draws: Draws, app: str, *, is_own: bool, function: str | None, has_source: bool
) -> Json:
    """A frame, with the names of its variables; `make_event` gives those their values."""
    if is_own:
        root, package, module = "/srv/shop/releases/current/", f"shop/{app}", draws.pick(MODULES)
    else:
        root = "/srv/shop/venv/lib/python3.12/site-packages/"
        package, modules = draws.pick(LIBRARIES)
        module = draws.pick(modules)
    path = f"{package}/{module}"
    frame: Json = {
        "filename": f"{path}.py",
        "abs_path": f"{root}{path}.py",
        "function": function or f"{draws.pick(VERBS)}_{draws.pick(NOUNS)}",
        "module": path.replace("/", "."),
        "lineno": 20 + draws.below(900),
        "in_app": is_own,
    }
    # Half of the libraries' frames come without source, from compiled or zipped modules.
    if has_source and (is_own or draws.below(2)):
        depth = 1 + draws.below(2)
        frame["pre_context"] = [code_line(draws, depth) for _ in range(5)]
        frame["context_line"] = code_line(draws, depth) or "    return result"
        frame["post_context"] = [code_line(draws, depth) for _ in range(5)]
        if is_own:
            frame["vars"] = [draws.pick(NOUNS) for _ in range(1 + draws.below(4))]
    return frame


def code_line(draws: Draws, depth: int) -> str:
    a, b, verb = draws.pick(NOUNS), draws.pick(NOUNS), draws.pick(VERBS)
    line = draws.pick(
        (
            "",
            "",
            "",
            f"if {a} is None:",
            f'    raise {draws.pick(ERRORS)}("{a} {draws.pick(REASONS)}")',
            f"for {a} in self.{b}s:",
            f"return {verb}_{a}({b})",
            f"# {verb} the {a} first",
            f'{a} = {b}.get("{verb}_id")',
            "try:",
            f'logger.info("{verb} %s", {a}.pk)',
            f"{a} = {b}.objects.filter({a}={b}).first()",
            "else:",
            f"{a} = self.{verb}({b}, *args, **kwargs)",
        )
    )
    return "    " * depth + line if line else ""


# Events -------------------------------------------------------------------------------------------


def make_event(draws: Draws, issue: Json, moment: float, profile: Profile) -> Json:
    user = draws.below(USERS)
    event = {
        "event_id": draws.uuid(),
        "timestamp": iso(moment),
        "level": "error",
        "platform": "python",
        "transaction": issue["transaction"],
        "release": f"shop@4.{pick_release(draws)}.0",
        "environment": pick_environment(draws),
        "server_name": f"web-{draws.below(8)}",
        "exception": {"values": [make_exception(draws, issue)]},
        "user": {"id": str(100_000 + user), "email": f"user{user}@example.com"},
        "tags": {"region": draws.pick(REGIONS), "tenant": f"t{draws.below(200)}"},
        "contexts": {"trace": make_trace(draws)},
        "sdk": {
            "name": "sentry.python.django",
            "version": "2.20.0",
            "packages": [{"name": "pypi:sentry-sdk", "version": "2.20.0"}],
        },
    }
    if profile.is_full:
        complete(event, draws, issue, moment, user)
    return event


def complete(event: Json, draws: Draws, issue: Json, moment: float, user: int) -> None:
    """Add what the SDK's integrations collect."""
    event["transaction_info"] = {"source": "route"}
    event["logger"] = issue["logger"]
    event["contexts"] |= {
        "runtime": {
            "name": "CPython",
            "version": "3.12.4",
            "build": "3.12.4 (main, Jun 12 2024, 22:16:26) [GCC 12.2.0]",
        },
        "os": {"name": "Linux", "version": "6.1.0-21-amd64", "kernel_version": "6.1.90-1"},
        "order": {"cart_id": draws.below(10**7), "lines": draws.below(30), "currency": "EUR"},
    }
    event["tags"] |= {
        "plan": draws.pick(("free", "pro", "enterprise")),
        "http.status_code": "500",
        "queue": draws.pick(("default", "mail", "slow")),
        "shard": str(draws.below(16)),
        "feature.new_checkout": draws.pick(("on", "off")),
        "app": issue["app"],
    }
    event["user"] |= {
        "username": f"user{user}",
        "ip_address": f"203.0.{user % 250}.{1 + user % 200}",
    }
    event["breadcrumbs"] = {
        "values": [make_breadcrumb(draws, moment - 3 + index * 0.1) for index in range(30)]
    }
    event["request"] = make_request(draws, issue, user)
    event["extra"] = {
        "sys.argv": ["gunicorn", "shop.wsgi", "--workers", "4"],
        "attempt": draws.below(5),
    }
    event["modules"] = {
        name: f"{1 + len(name) % 7}.{ord(name[0]) % 20}.{ord(name[-1]) % 10}" for name in PACKAGES
    }
    event["sdk"]["integrations"] = [
        *("argv", "atexit", "celery", "dedupe", "django", "excepthook"),
        *("logging", "modules", "redis", "stdlib", "threading"),
    ]


def make_exception(draws: Draws, issue: Json) -> Json:
    frames = []
    for common in issue["frames"]:
        frame = dict(common)
        if "vars" in frame:
            frame["vars"] = {name: make_value(draws, name) for name in frame["vars"]}
        frames.append(frame)
    return {
        "mechanism": {"type": "django", "handled": False},
        "module": f"shop.{issue['app']}.errors",
        "type": issue["type"],
        "value": issue["value"],
        "stacktrace": {"frames": frames},
    }


def make_value(draws: Draws, name: str) -> str:
    """A variable's value, as `repr` writes it."""
    if draws.below(3):
        return f"<{name.title()}: {name.title()} object ({draws.below(99_999)})>"
    return str(draws.below(10**6)) if draws.below(2) else f"'{draws.hex(12)}'"


def make_trace(draws: Draws) -> Json:
    return {
        "trace_id": draws.uuid(),
        "span_id": draws.hex(16),
        "parent_span_id": draws.hex(16),
        "op": "http.server",
        "description": None,
    }


def make_request(draws: Draws, issue: Json, user: int) -> Json:
    path = issue["transaction"].replace("{pk}", str(draws.below(10**6)))
    return {
        "url": f"https://shop.example.com{path}",
        "method": draws.pick(("GET", "POST", "PUT")),
        "query_string": f"page={draws.below(9)}&q={draws.pick(NOUNS)}",
        "headers": {
            "Host": "shop.example.com",
            "User-Agent": USER_AGENTS[user % len(USER_AGENTS)],
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate, br",
            "Content-Type": "application/json",
            "X-Request-Id": draws.uuid(),
            "X-Forwarded-Proto": "https",
            "Cookie": "[Filtered]",
        },
        "env": {"SERVER_NAME": "shop.example.com", "SERVER_PORT": "443"},
        "data": {draws.pick(NOUNS): draws.below(1000), draws.pick(NOUNS): draws.pick(NOUNS)},
    }


def make_breadcrumb(draws: Draws, moment: float) -> Json:
    a, b = draws.pick(NOUNS), draws.pick(NOUNS)
    crumb: Json = {"timestamp": iso(moment), "level": "info"}
    match draws.below(8):
        case 0 | 1 | 2:
            column = f'"{a}"."{b}_id"'
            crumb["category"] = "query"
            crumb["message"] = f'SELECT "{a}"."id" FROM "{a}" WHERE {column} = %s LIMIT 21'
        case 3:
            crumb["type"], crumb["category"] = "http", "httplib"
            crumb["data"] = {
                "url": f"https://{a}.internal/v1/{b}s/{draws.below(99_999)}",
                "method": draws.pick(("GET", "POST")),
                "status_code": draws.pick((200, 200, 201, 404, 503)),
                "reason": "OK",
            }
        case 4 | 5:
            crumb["category"] = "redis"
            crumb["message"] = f"GET '{a}:{b}:{draws.below(9999)}'"
            crumb["data"] = {"redis.command": "GET"}
        case _:
            crumb["category"] = f"shop.{a}"
            crumb["level"] = draws.pick(("info", "warning"))
            crumb["message"] = f"{draws.pick(VERBS)} {a} {draws.below(99_999)} for {b}"
    return crumb


def pick_release(draws: Draws) -> int:
    """Newer ones are more common."""
    age = int(-2.0 * math.log(1 - draws.random()))
    return RELEASES - 1 - min(age, RELEASES - 1)


def pick_environment(draws: Draws) -> str:
    share = draws.random()
    return "production" if share < 0.8 else "staging" if share < 0.95 else "development"


def envelope_of(event: Json, moment: float) -> bytes:
    payload = dump(event)
    headers = {
        "event_id": event["event_id"],
        "sent_at": iso(moment),
        "trace": {
            "trace_id": event["contexts"]["trace"]["trace_id"],
            "environment": event["environment"],
            "release": event["release"],
        },
    }
    item = {"type": "event", "content_type": "application/json", "length": len(payload)}
    return b"%s\n%s\n%s\n" % (dump(headers), dump(item), payload)


def dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
