"""The people that events happened to, as JSON."""

from typing import TYPE_CHECKING

from issues.models import EventUser
from issues.payload.users import full_hash
from sentrylite.accounts.api.serializers import avatar_url
from sentrylite.api.serializers import OutputSerializer, timestamp

if TYPE_CHECKING:
    from issues.api import shapes


class EventUserSerializer(OutputSerializer):
    """Somebody events happened to (conventions contract, section 11)."""

    def to_representation(self, person: EventUser) -> "shapes.Person":
        return {
            "id": str(person.hash % 2**64),
            "hash": full_hash(person.tag_value),
            "tagValue": person.tag_value,
            "identifier": person.ident or None,
            "username": person.username or None,
            "email": person.email or None,
            "name": person.name or person.email or person.username or None,
            "ipAddress": person.ip_address or None,
            "dateCreated": timestamp(person.first_seen),
            "avatarUrl": avatar_url(person.email),
        }
