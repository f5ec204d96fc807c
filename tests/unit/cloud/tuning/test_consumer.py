"""The workers' consumer: one flush for many events, and a short wait for a broker that is away."""

from typing import Any

import pytest
from celery.worker import consumer as upstream

from cloud.celery_base import app
from cloud.tuning.consumer import FLUSH_SECONDS, RETRY_SECONDS, Consumer


class Hub:
    def __init__(self) -> None:
        self.repeated: list[tuple[float, Any]] = []
        self.cancelled = 0

    def call_repeatedly(self, seconds: float, call: Any) -> Any:
        self.repeated.append((seconds, call))
        return self

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setattr(upstream.Consumer, "register_with_event_loop", lambda self, hub: None)
    found = Consumer.__new__(Consumer)
    found.app, found.event_dispatcher = app, None
    return found


def test_the_app_uses_it() -> None:
    assert app.conf.worker_consumer == f"{Consumer.__module__}:Consumer"


def test_events_are_flushed_by_the_loop_alone(made: Consumer) -> None:
    flushed: list[int] = []
    made.event_dispatcher = type("Dispatcher", (), {"flush": lambda self: flushed.append(1)})()
    hub = made.hub = Hub()
    made.register_with_event_loop(hub)
    made.on_send_event_buffered()
    [(seconds, flush)] = hub.repeated
    assert (seconds, flushed) == (FLUSH_SECONDS, [])
    flush()
    assert flushed == [1]
    made.register_with_event_loop(hub)
    assert (hub.cancelled, len(hub.repeated)) == (1, 2), "the loop began again: the old flusher is stopped"


def test_a_broker_that_is_away_is_tried_every_second(made: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Connection:
        def ensure_connection(self, *_: Any, **options: Any) -> "Connection":
            asked.update(options)
            return self

    made.first_connection_attempt = True
    made.ensure_connected(Connection())
    assert {key: asked[key] for key in ("interval_start", "interval_step", "interval_max")} == {
        "interval_start": RETRY_SECONDS,
        "interval_step": 0,
        "interval_max": RETRY_SECONDS,
    }
