"""Celery's consumer, back within a second after the broker is: its own waits grow to half a minute."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

RETRY_SECONDS = 1.0


class PromptConsumer(Consumer):  # type: ignore[misc]
    def ensure_connected(self, conn: Any) -> Any:
        """Try again every ``RETRY_SECONDS``; Celery offers no setting for the interval."""
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=RETRY_SECONDS, interval_step=0, interval_max=RETRY_SECONDS
        )
        return super().ensure_connected(conn)
