"""The consumer of long steps: what it does with messages that it cannot acknowledge or read."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import redis
from django.db import DEFAULT_DB_ALIAS, connection, connections
from structlog.testing import capture_logs

from tests.cloud import wait_for
from workers.host.long_steps import LongSteps, Sessions


@pytest.fixture
def steps() -> Any:
    found = LongSteps(MagicMock())
    found._worker, found._channel, found.pool = MagicMock(), object(), MagicMock(limit=2)
    return found


def test_a_failed_acknowledgement_is_logged_and_ends_nothing(steps: Any) -> None:
    ack = MagicMock(side_effect=redis.ConnectionError("gone"))
    with capture_logs() as logs:
        steps._acknowledge(SimpleNamespace(channel=steps._channel, ack=ack))
    ack.assert_called_once_with()
    assert [(line["event"], line["error"]) for line in logs] == [("message not acknowledged", "ConnectionError: gone")]


def test_a_message_of_a_lost_connection_is_not_acknowledged(steps: Any) -> None:
    ack = MagicMock()
    steps._acknowledge(SimpleNamespace(channel=object(), ack=ack))
    ack.assert_not_called()


def test_a_message_that_no_task_reads_is_taken_out_of_the_queue(steps: Any) -> None:
    """A message of another version, or a foreign one: the worker continues, as with its other queues."""
    message = SimpleNamespace(headers={}, body=b"x", payload={}, channel=steps._channel)
    steps._take(message)
    [(refused, error)] = [call.args for call in steps._worker.on_decode_error.call_args_list]
    assert refused is message and isinstance(error, Exception)
    steps.pool.apply_async.assert_not_called()


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_session_until_it_has_been_idle_for_a_while() -> None:
    """Each resize has a long step: a separate session for each took PostgreSQL half of a resize's time."""
    sessions = Sessions(idle_seconds=0.2)

    def work() -> tuple[int, Any]:
        with sessions.used(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0], connections[DEFAULT_DB_ALIAS]

    with ThreadPoolExecutor(1) as pool:
        (first, session), (second, _) = (pool.submit(work).result() for _ in range(2))
        assert first == second
        wait_for(lambda: session.connection is None, what="the session closed", seconds=10)
        assert pool.submit(work).result()[0] != first
        wait_for(lambda: session.connection is None, what="the session closed again", seconds=10)
