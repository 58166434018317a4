"""Tags as JSON (issues contract, section 9)."""

from typing import TYPE_CHECKING

from issues.models import EventUser, IssueTag
from issues.project_tags import TagValue
from issues.tags import TagKey
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.releases.versions import short_version

from .events import USER_TAGS
from .events import tag as event_tag
from .people import EventUserSerializer

if TYPE_CHECKING:
    from issues.api import shapes

NAMES = {
    "dist": "Distribution",
    "exc_type": "Exception Type",
    "os": "OS",
    "release": "Release",
    "server_name": "Server",
    "url": "URL",
    "user": "User",
}


def tag_name(key: str) -> str:
    """What people read for a tag key: `os.name` is `Os.Name`, `server_name` is `Server`."""
    return NAMES.get(key) or key.replace("_", " ").title()


class TagKeySerializer(OutputSerializer):
    """A key that an issue has, with its most frequent values."""

    def to_representation(self, key: TagKey) -> "shapes.TagKey":
        return {
            "key": key.key,
            "name": tag_name(key.key),
            "uniqueValues": key.values,
            "totalValues": key.events,
            "topValues": TagValueSerializer(key.top_values, many=True).data,
        }


class ProjectTagSerializer(OutputSerializer):
    """A key of a project, from the key and how many values it has."""

    def to_representation(self, tag: tuple[str, int]) -> "shapes.ProjectTag":
        key, values = tag
        return {"key": key, "name": tag_name(key), "uniqueValues": values}


class TagValueSerializer(OutputSerializer):
    """How often an issue or a project had a value."""

    def to_representation(self, tag: IssueTag | TagValue) -> "shapes.TagValue":
        answer: shapes.TagValue = {
            "key": tag.key,
            "name": value_name(tag.key, tag.value),
            "value": tag.value,
            "count": tag.times_seen,
            "lastSeen": timestamp(tag.last_seen),
            "firstSeen": timestamp(tag.first_seen),
        }
        return {**answer, **search(tag)}


class UserValueSerializer(OutputSerializer):
    """A value of the tag `user`: who that is, and how often. Needs `find_people` as `people` in
    the context."""

    def to_representation(self, tag: IssueTag | TagValue) -> "shapes.UserValue":
        return {
            **self._person(tag.value),
            **search(tag),
            "value": tag.value,
            "count": tag.times_seen,
            "lastSeen": timestamp(tag.last_seen),
            "firstSeen": timestamp(tag.first_seen),
        }

    def _person(self, value: str) -> "shapes.MaybePerson":
        person: EventUser | None = self.context["people"].get(value)
        return EventUserSerializer(person).data if person else {"id": None}


def value_name(key: str, value: str) -> str:
    """What people read for a value: without what says the kind of a user, a release's version."""
    if key == "user":
        kind, colon, identity = value.partition(":")
        return identity if colon and kind in USER_TAGS else value
    return short_version(value) if key == "release" else value


def search(tag: IssueTag | TagValue) -> "shapes.Searchable":
    """How to search for a user; nothing for other tags."""
    query = event_tag(tag.key, tag.value).get("query")
    return {"query": query} if query else {}
