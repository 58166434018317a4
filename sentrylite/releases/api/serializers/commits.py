"""Commits and repositories as JSON (releases contract, section 1)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.releases.models import Commit, CommitAuthor, CommitFileChange, Repository
from sentrylite.releases.repositories import PROVIDERS, UNKNOWN

if TYPE_CHECKING:
    from sentrylite.releases.api import shapes


class RepositorySerializer(OutputSerializer):
    def to_representation(self, repository: Repository) -> "shapes.Repository":
        provider = repository.provider or UNKNOWN
        return {
            "dateCreated": timestamp(repository.created_at),
            "externalSlug": None,
            "id": str(repository.pk),
            "integrationId": None,
            "name": repository.name,
            "provider": {"id": provider, "name": PROVIDERS[provider]},
            "status": repository.status,
            "url": repository.url or None,
        }


class CommitSerializer(OutputSerializer):
    """A commit, loaded by `releases.commits`. Pass `context={"user": caller}`, for its author."""

    def to_representation(self, commit: Commit) -> "shapes.Commit":
        return {
            "author": author_of(commit.author, self.context),
            "dateCreated": timestamp(commit.created_at),
            "id": commit.key,
            "message": commit.message,
            "releases": [
                {
                    "dateCreated": timestamp(release.created_at),
                    "dateReleased": optional_timestamp(release.released_at),
                    "ref": release.ref or None,
                    "shortVersion": release.short_version,
                    "url": release.url or None,
                    "version": release.version,
                }
                for release in commit.released_in
            ],
            "repository": RepositorySerializer(commit.repository).data,
        }


class FileChangeSerializer(OutputSerializer):
    """A file that a commit changed. Pass the commits by id as `commits` in the context, loaded by
    `releases.commits`, beside the caller."""

    def to_representation(self, change: CommitFileChange) -> "shapes.FileChange":
        commit: Commit = self.context["commits"][change.commit_id]
        return {
            "author": author_of(commit.author, self.context),
            "commitMessage": commit.message,
            "filename": change.filename,
            "id": str(change.pk),
            "orgId": commit.repository.organization_id,
            "repoName": commit.repository.name,
            "type": change.type,
        }


def author_of(author: CommitAuthor | None, context: Mapping[str, Any]) -> "shapes.Author":
    """A member as a person, others by what the commits say; empty for nobody."""
    if author is None:
        return {}
    if author.user is not None:
        return UserSerializer(author.user, context=context).data
    return {"email": author.email, "name": author.name}
