"""Releases as JSON (releases contract, section 1)."""

from typing import TYPE_CHECKING, Any

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.releases.models import Release
from sentrylite.releases.versions import read_version

from .commits import CommitSerializer, author_of
from .deploys import DeploySerializer

if TYPE_CHECKING:
    from sentrylite.accounts.api.shapes import User
    from sentrylite.releases.api import shapes


class ReleaseSerializer(OutputSerializer):
    """A release as issues and events carry it, loaded by `releases.queries`.

    Pass `context={"user": caller}`, for the owner's sake.
    """

    def to_representation(self, release: Release) -> "shapes.Release":
        return {
            "authors": [author_of(author, self.context) for author in release.authors],
            "commitCount": release.commit_count,
            "data": {},
            "dateCreated": timestamp(release.created_at),
            "dateReleased": optional_timestamp(release.released_at),
            "deployCount": release.deploy_count,
            "firstEvent": optional_timestamp(release.first_event_at),
            "lastCommit": (
                CommitSerializer(release.last_commit, context=self.context).data
                if release.last_commit
                else None
            ),
            "lastDeploy": DeploySerializer(release.last_deploy).data
            if release.last_deploy
            else None,
            "lastEvent": optional_timestamp(release.last_event_at),
            "newGroups": release.new_issues,
            "owner": self._owner(release),
            "projects": self._projects(release),
            "ref": release.ref or None,
            "shortVersion": release.short_version,
            "url": release.url or None,
            "version": release.version,
        }

    def _projects(self, release: Release) -> Any:
        return [{"name": shipped.name, "slug": shipped.slug} for shipped in release.shipped_in]

    def _owner(self, release: Release) -> "User | None":
        if release.owner is None:
            return None
        return UserSerializer(release.owner, context=self.context).data


def version_info(version: str) -> "shapes.VersionInfo | None":
    """What a version says of itself (releases contract, section 1)."""
    info = read_version(version)
    if info is None:
        return None
    numbers: shapes.VersionNumbers = {}
    if info.numbers:
        numbers = {
            "major": info.numbers.major,
            "minor": info.numbers.minor,
            "patch": info.numbers.patch,
            "pre": info.numbers.pre or None,
            "buildCode": info.numbers.build or None,
            "components": info.numbers.components,
        }
    return {
        "package": info.package,
        "version": {"raw": info.raw, **numbers},
        "description": info.description,
        "buildHash": info.build_hash,
    }


class ReleaseDetailSerializer(ReleaseSerializer):
    """A release by itself and in lists, with the keys of later years, which the issues and events
    of the documents do not have (clients contract, section 6). Needs in the context the
    `platforms` of its projects, by their ids."""

    def to_representation(self, release: Release) -> Any:
        parts: shapes.ReleaseDetails = {
            "id": release.pk,
            "status": release.status,
            "versionInfo": version_info(release.version),
        }
        return super().to_representation(release) | parts

    def _projects(self, release: Release) -> "list[shapes.ShippedProject]":
        return [
            {
                "id": shipped.id,
                "name": shipped.name,
                "platform": shipped.platform or None,
                "platforms": self.context["platforms"][shipped.id],
                "slug": shipped.slug,
            }
            for shipped in release.shipped_in
        ]
