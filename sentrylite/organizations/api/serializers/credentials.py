"""Credentials as JSON. Their secret is in the answer that made them and nowhere else."""

from typing import Any

from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.models import ApiKey, ApiToken


class ApiTokenSerializer(OutputSerializer):
    def to_representation(self, token: ApiToken) -> dict[str, Any]:
        answer = {
            "application": None,
            "dateCreated": timestamp(token.created_at),
            "expiresAt": optional_timestamp(token.expires_at),
            "id": str(token.pk),
            "name": token.name,
            "refreshToken": None,
            "scopes": token.scopes,
            "state": None,
            "tokenLastCharacters": token.last_characters,
        }
        return answer | {"token": token.secret} if token.secret else answer


class ApiKeySerializer(OutputSerializer):
    def to_representation(self, key: ApiKey) -> dict[str, Any]:
        answer = {
            "allowed_origins": "\n".join(key.allowed_origins),
            "dateCreated": timestamp(key.created_at),
            "id": str(key.pk),
            "keyLastCharacters": key.last_characters,
            "label": key.label,
            "scope_list": key.scopes,
            "status": 0 if key.is_active else 1,
        }
        return answer | {"key": key.secret} if key.secret else answer
