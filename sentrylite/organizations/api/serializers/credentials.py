"""Credentials as JSON. Their secret is in the answer that made them and nowhere else."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.models import ApiKey, ApiToken

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class ApiTokenSerializer(OutputSerializer):
    def to_representation(self, token: ApiToken) -> "shapes.ApiToken":
        answer: shapes.ApiToken = {
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
        if token.secret:
            answer["token"] = token.secret
        return answer


class ApiKeySerializer(OutputSerializer):
    def to_representation(self, key: ApiKey) -> "shapes.ApiKey":
        answer: shapes.ApiKey = {
            "allowed_origins": "\n".join(key.allowed_origins),
            "dateCreated": timestamp(key.created_at),
            "id": str(key.pk),
            "keyLastCharacters": key.last_characters,
            "label": key.label,
            "scope_list": key.scopes,
            "status": 0 if key.is_active else 1,
        }
        if key.secret:
            answer["key"] = key.secret
        return answer
