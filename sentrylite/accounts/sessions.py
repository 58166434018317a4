"""Sessions of people who are signed in to the admin, in the database."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """A quoted cookie can hold a NUL character, which PostgreSQL does not take: no session."""

    def _validate_session_key(self, key: str) -> bool:
        return super()._validate_session_key(key) and "\0" not in key  # type: ignore[misc]
