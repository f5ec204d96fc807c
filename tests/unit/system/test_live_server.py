"""The live server of the tests: when it ends, no client of it holds a session of the database."""

import http.client
import threading

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from tests.cloud import wait_for

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"{SESSIONS} AND backend_type = 'client backend'")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_ends_with_the_server() -> None:
    before, threads = sessions(), threading.active_count()
    server = LiveServer("localhost")
    client = http.client.HTTPConnection(server.thread.host, server.thread.port, timeout=30)
    try:
        client.request("GET", "/healthz")
        client.getresponse().read()
        assert client.sock is not None and sessions() == before + 1
    finally:
        server.stop()
    # PostgreSQL lists a session until its process has ended.
    wait_for(lambda: sessions() == before, what="the end of the client's session", seconds=10)
    assert threading.active_count() == threads
    client.close()
