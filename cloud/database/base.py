"""A kept connection is looked at before each request and task: at its socket, and only where that has news by a query.

A server that ended the session has closed the socket, which the kernel tells without a round trip. What the kernel
does not know yet (a peer that lost its power) a query would not know either: keepalives find it.
"""

import select

from django.db.backends.postgresql import base
from psycopg2 import InterfaceError


class DatabaseWrapper(base.DatabaseWrapper):
    def close_if_health_check_failed(self) -> None:
        """Close the connection where it is broken; ask the server only when something arrived on a socket at rest."""
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if _is_quiet(self.connection):
            self.health_check_done = True
        else:
            super().close_if_health_check_failed()


def _is_quiet(session: base.Database.extensions.connection) -> bool:
    """Say whether the session is open and its socket has nothing to read: no end, no error, no notice."""
    try:
        if session.closed:
            return False
        poll = select.poll()
        poll.register(session.fileno(), select.POLLIN | select.POLLPRI | select.POLLRDHUP)
        return not poll.poll(0)
    except (InterfaceError, OSError, ValueError):
        return False
