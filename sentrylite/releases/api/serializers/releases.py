"""Releases as JSON (releases contract, section 1)."""

from typing import TYPE_CHECKING

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.releases.models import Release

if TYPE_CHECKING:
    from sentrylite.accounts.api.shapes import User
    from sentrylite.releases.api import shapes


class ReleaseSerializer(OutputSerializer):
    """A release as issues and events carry it, loaded by `releases.queries`.

    Pass `context={"user": caller}`, for the owner's sake.
    """

    def to_representation(self, release: Release) -> "shapes.Release":
        return {
            "authors": [],
            "commitCount": 0,
            "data": {},
            "dateCreated": timestamp(release.created_at),
            "dateReleased": optional_timestamp(release.released_at),
            "deployCount": 0,
            "firstEvent": optional_timestamp(release.first_event_at),
            "lastCommit": None,
            "lastDeploy": None,
            "lastEvent": optional_timestamp(release.last_event_at),
            "newGroups": release.new_issues,
            "owner": self._owner(release),
            "projects": [{"name": name, "slug": slug} for slug, name in release.shipped_in],
            "ref": release.ref or None,
            "shortVersion": release.short_version,
            "url": release.url or None,
            "version": release.version,
        }

    def _owner(self, release: Release) -> "User | None":
        if release.owner is None:
            return None
        return UserSerializer(release.owner, context=self.context).data
