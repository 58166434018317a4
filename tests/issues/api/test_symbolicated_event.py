"""How an event looks whose frames were put back to where they come from."""

import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import Issue
from issues.payload import codec
from issues.payload.event import ScrubRules, Sender, Uploads
from issues.payload.prepare import finish, read
from issues.symbolication import Symbolicator
from sentrylite.organizations.models import Project
from tests import factories, scripts, uploads


@pytest.fixture
def answer(api: APIClient, project: Project, now: Any) -> Any:
    """`answer(raw)`: the event's JSON."""

    def answer(raw: dict[str, Any]) -> Any:
        symbolicator = Symbolicator()
        event = read(raw, sender=Sender(), now=time.time())
        symbolicator.symbolicate(
            event,
            project_id=project.pk,
            uploads=Uploads(artifacts=True),
            until=time.monotonic() + 10,
        )
        symbolicator.close()
        payload = codec.unpack(finish(event, rules=ScrubRules()).payload)
        issue: Issue = factories.IssueFactory(project=project)
        stored = factories.make_event(issue, payload)
        path = f"/api/0/projects/acme/{project.slug}/events/{stored.event_id.hex}/"
        return api.get(path).json()

    return answer


def test_frames_show_the_source_and_what_was_sent(answer, project, now):
    uploads.release_file(project, "~/assets/shop.min.js", scripts.script("esbuild"), now)
    uploads.release_file(project, "~/assets/shop.min.js.map", scripts.source_map("esbuild"), now)

    event = answer(scripts.error("esbuild", release="shop@1.0"))

    assert event["culprit"] == "Cart.priceOf(src/cart)"
    assert event["location"] == "../src/cart.ts"
    assert event["errors"] == []
    exception = event["entries"][0]["data"]["values"][0]
    names = "package platform instructionAddr symbolAddr rawFunction symbol trust errors vars"
    nothing = dict.fromkeys(names.split())
    assert exception["stacktrace"]["frames"][-1] == {
        **nothing,
        "filename": "../src/cart.ts",
        "absPath": "https://shop.example/src/cart.ts",
        "module": "src/cart",
        "function": "Cart.priceOf",
        "lineNo": 21,
        "colNo": 13,
        "inApp": False,
        "context": [
            [16, "  }"],
            [17, ""],
            [18, "  private priceOf(item: Item, discounts: Map<string, number>): number {"],
            [19, "    const discount = discounts.get(item.name);"],
            [20, "    if (discount === undefined) {"],
            [21, "      throw new RangeError(`no price for ${item.name}`);"],
            [22, "    }"],
            [23, "    return item.price * item.quantity * (1 - discount);"],
            [24, "  }"],
            [25, "}"],
            [26, ""],
        ],
        "map": "shop.min.js.map",
        "mapUrl": "https://shop.example/assets/shop.min.js.map",
        "origFunction": "i.priceOf",
        "origAbsPath": "https://shop.example/assets/shop.min.js",
        "origFilename": "/assets/shop.min.js",
        "origLineNo": 1,
        "origColNo": 171,
    }
    assert exception["rawStacktrace"]["frames"][-1] == {
        **nothing,
        "filename": "/assets/shop.min.js",
        "absPath": "https://shop.example/assets/shop.min.js",
        "module": None,
        "function": "i.priceOf",
        "lineNo": 1,
        "colNo": 171,
        "inApp": False,
        "context": [],
    }


def test_what_is_missing_is_said(answer):
    event = answer(scripts.error("esbuild", release="shop@1.0"))

    assert event["errors"] == [
        {
            "type": "js_missing_source",
            "message": "Source code was not found",
            "data": {"url": "https://shop.example/assets/shop.min.js"},
        }
    ]
    assert event["entries"][0]["data"]["values"][0]["rawStacktrace"] is None
