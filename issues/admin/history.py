"""What people did with an issue, told in words."""

from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from issues.models import Activity, Issue
from sentrylite.admin import display

SHOWN = 30
Type = Activity.Type

DONE = {
    Type.SET_RESOLVED: "resolved it",
    Type.SET_RESOLVED_BY_AGE: "it was quiet for so many hours that it counts as resolved",
    Type.SET_RESOLVED_IN_RELEASE: "resolved it in a release",
    Type.SET_RESOLVED_IN_COMMIT: "resolved it in a commit",
    Type.SET_UNRESOLVED: "reopened it",
    Type.SET_IGNORED: "ignored it",
    Type.SET_PUBLIC: "shared it",
    Type.SET_PRIVATE: "stopped sharing it",
    Type.SET_REGRESSION: "it happened again after it was resolved",
    Type.NOTE: "said",
    Type.ASSIGNED: "assigned it",
    Type.UNASSIGNED: "took it from its assignee",
    Type.MERGE: "merged other issues into it",
    Type.UNMERGE_SOURCE: "took some of it out into another issue",
    Type.UNMERGE_DESTINATION: "made it of a part of another issue",
    Type.REPROCESS: "had its stack traces restored again",
}
# Facts that DONE has said already, or that say nothing to people.
UNTOLD = {"text", "issues", "fingerprints", "external_id", "assignee", "assigneeType"}
UNTOLD |= {"oldGroupId", "newGroupId"}


class Entry(NamedTuple):
    who: SafeString | str
    """A link to the user, or nobody's name: an API key or the server itself."""
    done: str
    facts: str
    note: str
    at: SafeString | str


def read_history(issue: Issue) -> list[Entry]:
    """The newest first. One statement."""
    found = Activity.objects.filter(issue=issue).select_related("user")
    return [_entry(each) for each in found.order_by("-created_at", "-id")[:SHOWN]]


def _entry(activity: Activity) -> Entry:
    data: dict[str, Any] = activity.data if isinstance(activity.data, dict) else {}
    facts = [
        f"{name}: {value}"
        for name, value in data.items()
        if name not in UNTOLD and value not in (None, "")
    ]
    return Entry(
        display.link_to(activity.user) if activity.user else "",
        DONE.get(Type(activity.type), activity.get_type_display()),
        ", ".join(facts),
        str(data.get("text", "")),
        display.ago(activity.created_at),
    )
