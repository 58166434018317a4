"""One event as the SDK of its platform would have sent it."""

import random
from datetime import UTC, datetime
from typing import Any

from issues.demo.problems import Problem, Project

Json = dict[str, Any]
Words = dict[str, str]

PRODUCTS = ("oak-table", "desk-lamp", "linen-sheet", "tea-pot", "wool-rug", "arm-chair", "clock")
DECLINES = ("insufficient funds", "card expired", "do not honor")
VOUCHERS = ("SUMMER10", "WELCOME", "FRIEND5", "SPRING20")
SLOW_STEPS = ("Opening the cart", "Loading prices", "Checking stock")


def words(chance: random.Random) -> Words:
    """What stands for the words in braces, in one event."""
    return {
        "order": str(chance.randint(40_000, 99_999)),
        "sku": f"SKU-{chance.randint(100, 999)}",
        "few": str(chance.randint(0, 3)),
        "many": str(chance.randint(4, 9)),
        "slug": chance.choice(PRODUCTS),
        "voucher": chance.choice(VOUCHERS),
        "decline": chance.choice(DECLINES),
        "milliseconds": str(chance.randint(900, 30_000)),
        "template": chance.choice(("autumn-sale", "new-arrivals")),
        "partner": chance.choice(("parcel", "warehouse")),
        "bounce": chance.choice(("mailbox full", "user unknown", "message too large")),
        "id": "{id}",  # a route, not a path
    }


def event(
    chance: random.Random,
    *,
    project: Project,
    problem: Problem,
    person: Json,
    moment: float,
    event_id: str,
    release: str,
    environment: str,
) -> Json:
    """The event's JSON. `person` is one of `people.People`."""
    said = words(chance)
    place = problem.place.format_map(said)
    sdk, sdk_version = project.sdk
    sent: Json = {
        "event_id": event_id,
        "timestamp": moment,
        "platform": project.platform,
        "level": problem.level,
        "release": release,
        "environment": environment,
        "transaction": place,
        "tags": {name: chance.choice(values) for name, values in project.tags.items()},
        "breadcrumbs": {"values": _breadcrumbs(chance, project, place, moment, said)},
        "user": {name: person[name] for name in ("id", "email", "username", "ip_address")},
        "extra": {"order": said["order"], "attempt": chance.randint(1, 3)},
        "sdk": {"name": sdk, "version": sdk_version},
        **_what(problem, said),
    }
    if project.servers:
        sent["server_name"] = chance.choice(project.servers)
    if project.logger:
        sent["logger"] = project.logger
    if project.runtime:
        name, version = project.runtime
        sent["contexts"] = {
            "runtime": {"name": name, "version": version},
            "os": {"name": "Linux", "kernel_version": "6.1.0"},
        }
    if request := _request(chance, project, place, person):
        sent["request"] = request
    return sent


def _what(problem: Problem, said: Words) -> Json:
    if not problem.type:
        template = problem.value.replace("{", "%(").replace("}", ")s")
        return {"logentry": {"message": template, "formatted": problem.value.format_map(said)}}
    mechanism = {"type": "generic", "handled": problem.handled}
    failure: Json = {
        "type": problem.type,
        "value": problem.value.format_map(said),
        "mechanism": mechanism,
    }
    if problem.frames:
        failure["stacktrace"] = {"frames": _with_variables(problem, said)}
    causes = [{"type": problem.cause[0], "value": problem.cause[1]}] if problem.cause else []
    return {"exception": {"values": [*causes, failure]}}


def _with_variables(problem: Problem, said: Words) -> list[Json]:
    """The frames; in the last one of our own, the variables too, where the SDK sends them."""
    frames = list(problem.frames)
    if frames[-1]["in_app"] and "context_line" in frames[-1]:
        variables = {"order": f"<Order: {said['order']}>", "sku": f"'{said['sku']}'"}
        frames[-1] = {**frames[-1], "vars": variables}
    return frames


def _request(chance: random.Random, project: Project, place: str, person: Json) -> Json | None:
    headers = {"User-Agent": person["user_agent"], "Host": "shop.example.com"}
    if project.platform == "javascript":
        return {"url": f"https://shop.example.com{place}", "headers": headers}
    if project.platform == "java":
        method, _, path = place.partition(" ")
        headers = {"Host": "billing.example.com", "User-Agent": "billing-client/2.1"}
        return {"url": f"https://billing.example.com{path}", "method": method, "headers": headers}
    if not place.startswith("/"):
        return None  # a task
    is_post = place == "/checkout/"
    return {
        "url": f"https://shop.example.com{place}",
        "method": "POST" if is_post else "GET",
        "headers": headers | {"Accept-Language": person["country"].lower()},
        "query_string": "" if is_post else f"page={chance.randint(1, 9)}",
        "env": {"REMOTE_ADDR": person["ip_address"], "SERVER_NAME": "shop.example.com"},
        **({"data": {"terms": "on", "shipping": "standard"}} if is_post else {}),
    }


def _breadcrumbs(
    chance: random.Random, project: Project, place: str, moment: float, said: Words
) -> list[Json]:
    """What led there, the last step just before it."""
    steps = {"javascript": _in_browser, "python": _in_django}.get(project.platform, _in_service)(
        place, said
    )
    first = moment - 0.4 * len(steps) - chance.random() * 4
    pace = (moment - first) / (len(steps) + 1)
    return [
        {"timestamp": _iso(first + pace * number), "level": "info", **step}
        for number, step in enumerate(steps)
    ]


def _in_browser(place: str, said: Words) -> list[Json]:
    product = f"/product/{said['slug']}/"
    return [
        {"type": "navigation", "category": "navigation", "data": {"from": "/", "to": product}},
        {"category": "ui.click", "message": "button.add-to-cart > span"},
        {
            "type": "http",
            "category": "fetch",
            "data": {"method": "POST", "url": "/api/cart/items", "status_code": 200},
        },
        {"type": "navigation", "category": "navigation", "data": {"from": product, "to": place}},
        {"category": "console", "level": "warning", "message": f"Slow answer from {place}"},
    ]


def _in_django(place: str, said: Words) -> list[Json]:
    return [
        {"category": "query", "message": "SELECT * FROM cart_cart WHERE session_key = %s"},
        {"category": "query", "message": "SELECT * FROM catalog_product WHERE sku = %s"},
        {
            "type": "http",
            "category": "httplib",
            "data": {"method": "GET", "url": "http://prices.internal/v2", "status_code": 200},
        },
        {"category": "shop", "message": f"{SLOW_STEPS[int(said['few']) % 3]} at {place}"},
    ]


def _in_service(place: str, said: Words) -> list[Json]:
    return [
        {"category": "service", "message": f"begin {place}"},
        {
            "type": "http",
            "category": "http",
            "data": {"method": "GET", "url": "http://accounts.internal/v1", "status_code": 200},
        },
        {"category": "service", "message": f"read order {said['order']}"},
    ]


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
