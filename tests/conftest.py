"""What all tests share."""

import logging
import os
import random
import socket
from contextlib import suppress
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test.testcases import LiveServerThread

pytest_plugins = ["tests.affordable", "tests.lock_order", "tests.sentinels", "tests.services"]
# Counting queries makes Django log them with their values, as no process of the cloud does; and these are clients,
# which tell what they were asked.
_CLIENTS = "cliff keystoneauth keystoneclient novaclient openstack openstackclient osc_lib urllib3"
for _name in ("django.db.backends", *_CLIENTS.split()):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Which cells of the kill matrix are run: the same in all parallel processes. Set it to run those again.
os.environ.setdefault("MATRIX_SEED", str(random.SystemRandom().randrange(10_000)))


def pytest_report_header(config: pytest.Config) -> str:
    return f"kill matrix: MATRIX_SEED={os.environ['MATRIX_SEED']}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how long the sample of the kill matrix took: it has four minutes."""
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for name, value in getattr(report, "user_properties", ()):
            if name == "kill matrix" and report.when == "call":
                terminalreporter.write_line(f"{name}: {value}")


# The live server writes an answer in two parts: without this the second waits 40 ms for the client's acknowledgement.
WSGIRequestHandler.disable_nagle_algorithm = True


class Server(ThreadedWSGIServer):
    """Ends its clients' connections when it closes, and waits for their threads.

    A client that keeps its connection keeps a thread of the server, and the thread a session of the test database,
    which then cannot be dropped.
    """

    daemon_threads = False

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._clients: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._clients.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._clients.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        super().server_close()


LiveServerThread.server_class = Server
