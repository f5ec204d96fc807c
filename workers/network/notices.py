"""Tells hosts which of their ports have other addresses: their metadata processes know guests by these.

A separate thread asks their agents, so that a silent host delays no line. A host that is not reached sees it in its
next recovery.
"""

import http
import queue
import threading
import uuid

import structlog
from django.db import close_old_connections, connection

from apps.scheduling.services import agents

log = structlog.get_logger("celerity.network")
AT_ONCE = 1000
TELL_SECONDS = 2.0


class Notices:
    """What is to be told, a port at a time."""

    def __init__(self) -> None:
        self._pending: queue.Queue[tuple[str, uuid.UUID]] = queue.Queue(AT_ONCE)
        self._thread: threading.Thread | None = None

    def add(self, host: str, port_id: uuid.UUID) -> None:
        """Have a host told. What is too much is dropped."""
        if self._pending.full():
            return
        self._pending.put((host, port_id))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notices to hosts", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            host, port_id = self._pending.get()
            try:
                close_old_connections()
                tell(host, port_id)
            except Exception as error:
                log.warning(
                    "host not told", host=host, port=str(port_id), error=f"{type(error).__name__}: {error}"[:300]
                )
            finally:
                connection.close()


def tell(host: str, port_id: uuid.UUID) -> None:
    """Have a host's agent look at the addresses of a port. Raises AgentSilent."""
    parts = ("ports", str(port_id), "addresses")
    status, _ = agents.request(host=host, parts=parts, method="POST", limit=0, timeout_seconds=TELL_SECONDS)
    if status != http.HTTPStatus.OK:
        log.warning("host not told", host=host, port=str(port_id), status=status)
