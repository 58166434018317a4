"""Django's PostgreSQL backend, which sees that a connection was lost without asking the server."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Asked before the first statement of each request.

        A server says nothing to a connection that asks nothing until it ends it: one with nothing
        to be read is good. Of the others (a changed setting is told, too) and after an error it is
        found out by a round trip.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return super().is_usable()
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()
