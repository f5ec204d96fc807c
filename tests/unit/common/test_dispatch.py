"""A request tries the broker once, briefly; while the broker is known not to answer, it does not try."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from apps.common import dispatch

RUN: Any = SimpleNamespace(id="run", pipeline="server.build", next_step="schedule", token=1, host="")
PAUSE_SECONDS = 60.0


class Broker:
    """Counts sent messages; fails a given number of times, after a given delay."""

    def __init__(self) -> None:
        self.calls, self.failures, self.seconds = 0, 0, 0.0

    def __call__(self, run: Any) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            deadline = time.monotonic() + self.seconds
            while time.monotonic() < deadline:
                pass
            raise OSError


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    made = Broker()
    monkeypatch.setattr(dispatch, "_send", made)
    monkeypatch.setattr(dispatch, "_breaker", dispatch.Breaker(PAUSE_SECONDS))
    return made


def test_a_broker_that_does_not_answer_is_left_alone(broker: Broker) -> None:
    broker.failures, broker.seconds = 1, dispatch.QUICK_SECONDS * 1.5
    assert not dispatch.send(RUN) and broker.calls == 1
    assert not dispatch.send(RUN) and broker.calls == 1


def test_a_connection_that_ended_at_rest_is_tried_again(broker: Broker) -> None:
    broker.failures = 1
    assert dispatch.send(RUN) and broker.calls == 2
    assert dispatch.send(RUN) and broker.calls == 3


def test_after_the_pause_one_caller_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(dispatch.time, "monotonic", lambda: now)
    breaker = dispatch.Breaker(2.0)
    assert breaker.allows() and breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    now += 2.5
    assert breaker.allows() and not breaker.allows()
    breaker.succeeded()
    assert breaker.allows() and breaker.allows()


def test_workers_try_every_time() -> None:
    breaker = dispatch.Breaker(0.0)
    breaker.failed()
    assert breaker.allows()
