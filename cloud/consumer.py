"""The workers' consumer: Celery's own, but events for Flower go out twice a second and not after every change."""

from typing import Any

from celery.worker import consumer

FLUSH_SECONDS = 0.5


class Consumer(consumer.Consumer):
    """Publishing a batch of events costs as much as publishing one: a step's three events go with other steps'."""

    _flusher: Any = None

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        if self._flusher is not None:  # the broker was away: the loop begins anew
            self._flusher.cancel()
        self._flusher = hub.call_repeatedly(FLUSH_SECONDS, self._flush_events)

    def on_send_event_buffered(self) -> None:
        """Called after every event: nothing, the loop flushes."""
