"""The one exception of the embedded PostgreSQL."""


class PostgresError(Exception):
    """The embedded PostgreSQL cannot do what was asked; one line that says what to do about it."""
