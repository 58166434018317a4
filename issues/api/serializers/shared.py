"""An issue as strangers see it whom somebody gave its public address.

They read what the program did: where it broke, with which message. Who it happened to, what they
had sent and what was in the program's memory stays in the house.
"""

import re
from collections.abc import Iterator
from copy import copy
from typing import Any

from issues.models import Event, Issue

from .events import EventSerializer, part
from .issues import IssueSerializer

Json = dict[str, Any]

# What is shown of a stored event, beside the method and the bare address of its request.
SHOWN = (
    "culprit",
    "exception",
    "hashes",
    "location",
    "logentry",
    "metadata",
    "modules",
    "platform",
    "stacktrace",
    "template",
    "threads",
    "title",
    "type",
)


class SharedIssueSerializer(IssueSerializer):
    """Needs `issue_context` of nobody in its context, and the issue's last event, which may be
    None, as `event`."""

    def to_representation(self, issue: Issue) -> Json:
        answer, event = super().to_representation(issue), self.context["event"]
        organization = issue.project.organization
        if "actor" in answer["statusDetails"]:
            answer["statusDetails"]["actor"] = None
        answer["statusDetails"].pop("inCommit", None)
        answer["assignedTo"] = None
        answer["latestEvent"] = SharedEventSerializer(event).data if event else None
        answer["project"] |= {
            "features": [],
            "organization": {"name": organization.name, "slug": organization.slug},
        }
        return dict(sorted(answer.items()))


class SharedEventSerializer(EventSerializer):
    """The full form, in which what is not for strangers is empty."""

    def to_representation(self, event: Event) -> Json:
        shown = copy(event)
        shown.data = {name: event.data[name] for name in SHOWN if name in event.data}
        shown.data["request"] = _request(part(event.data, "request"))
        shown.tags = []
        answer = super().to_representation(shown)
        for stack in _stacks(answer["entries"]):
            for frame in stack["frames"]:
                frame["vars"] = None
        return answer


def _request(request: Json) -> Json:
    url = request.get("url")
    if not isinstance(url, str):
        return {}
    # Normally it has no query string any more; not so when it could not be read as an address.
    return {"method": request.get("method"), "url": re.split("[?#]", url, maxsplit=1)[0]}


def _stacks(entries: list[Json]) -> Iterator[Json]:
    for entry in entries:
        if entry["type"] == "stacktrace":
            yield entry["data"]
        elif entry["type"] in ("exception", "threads"):
            for value in entry["data"]["values"]:
                yield from filter(None, (value["stacktrace"], value["rawStacktrace"]))
