"""People as JSON (conventions contract, section 11)."""

import hashlib
from typing import TYPE_CHECKING

from sentrylite.accounts.models import User
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp

if TYPE_CHECKING:
    from sentrylite.accounts.api import shapes

# Pictures cannot be uploaded.
LETTER_AVATAR: "shapes.Avatar" = {"avatarType": "letter_avatar", "avatarUuid": None}


def avatar_url(email: str) -> str:
    digest = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    return f"https://secure.gravatar.com/avatar/{digest}?s=32&d=mm"


class UserSerializer(OutputSerializer):
    """The full form. Pass `context={"user": caller}`: people see more of themselves."""

    def to_representation(self, user: User) -> "shapes.User":
        answer: shapes.User = {
            "id": str(user.pk),
            "name": user.display_name,
            "username": user.username,
            "email": user.email,
            "avatarUrl": avatar_url(user.email),
            "isActive": user.is_active,
            "hasPasswordAuth": user.has_usable_password(),
            "isManaged": False,
            "dateJoined": timestamp(user.date_joined),
            "lastLogin": optional_timestamp(user.last_login),
            "has2fa": False,
            "lastActive": optional_timestamp(user.last_active_at),
            "isSuperuser": user.is_superuser,
            "isStaff": user.is_staff,
            "experiments": {},
            "avatar": LETTER_AVATAR,
            "emails": [{"id": str(user.pk), "email": user.email, "is_verified": False}],
        }
        if self.context.get("user") == user:
            answer["options"] = {
                "language": "en",
                "stacktraceOrder": -1,
                "timezone": "UTC",
                "clock24Hours": False,
            }
            answer["flags"] = {"newsletter_consent_prompt": False}
            answer["identities"] = []
        return answer
