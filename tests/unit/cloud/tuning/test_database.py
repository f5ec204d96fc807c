"""The health check of kept connections, and the watch over sessions whose server is silent."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE, TRANSACTION_STATUS_IDLE

from cloud.tuning.database import watch
from tests.cloud import wait_for


@pytest.fixture
def other(transactional_db: None) -> Iterator[Any]:
    """A second connection of this thread, as one is kept between two requests."""
    made = connections.create_connection("default")
    made.ensure_connection()
    made.health_check_enabled = True
    yield made
    made.close()


def test_a_quiet_connection_is_kept_without_a_query(other: Any, django_assert_num_queries: Any) -> None:
    session = other.connection
    with django_assert_num_queries(0, connection=other):
        other.close_if_health_check_failed()
    assert other.connection is session and other.health_check_done


def test_a_session_that_the_server_ended_is_closed(other: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [other.connection.get_backend_pid()])

    def is_noticed() -> bool:
        other.health_check_done = False
        other.close_if_health_check_failed()
        return other.connection is None

    wait_for(is_noticed, what="the end of the session", seconds=5)


@pytest.fixture
def peers() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        yield near, far


def silence(peer: socket.socket) -> float:
    found = watch._silent_seconds(peer)
    assert found is not None
    return found


def test_the_kernel_tells_how_long_a_peer_is_silent(peers: tuple[socket.socket, socket.socket]) -> None:
    near, far = peers
    near.sendall(b"statement")
    began = time.monotonic()
    wait_for(lambda: silence(near) >= 0.1, what="a silence that grows", seconds=5)
    assert time.monotonic() - began >= 0.05
    far.sendall(b"answer")
    wait_for(lambda: silence(near) < 0.1, what="an answer that ends it", seconds=5)


def test_a_unix_socket_has_no_such_times() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert watch._silent_seconds(near) is None


@pytest.mark.parametrize(("status", "limit", "ends"), [
    (TRANSACTION_STATUS_ACTIVE, 0.0, True),
    (TRANSACTION_STATUS_ACTIVE, 60.0, False),
    (TRANSACTION_STATUS_IDLE, 0.0, False),
])  # fmt: skip
def test_only_a_statement_without_an_answer_is_given_up(
    peers: tuple[socket.socket, socket.socket], status: int, limit: float, ends: bool
) -> None:
    near, far = peers
    session = SimpleNamespace(closed=False, info=SimpleNamespace(transaction_status=status), fileno=near.fileno)
    assert watch.end_if_silent(session, limit) is ends
    far.settimeout(0.5)
    if ends:
        assert far.recv(1) == b"", "the waiting thread reads the end"
    else:
        near.sendall(b"x")
        assert far.recv(1) == b"x"
