"""The API's processes behind the front: a socket for each, kept by the process that replaces a killed one."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.environment import REPOSITORY, Environment
from deploy.errors import DeployError
from deploy.front import configuration, nginx

APPLICATION = """
import os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "front").mkdir()
    return Environment(tmp_path, {"CELERITY_API_PROCESSES": "2"})


@pytest.fixture
def server(environment: Environment, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "answering.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "gunicorn", "answering", "--no-control-socket", *nginx.api_options(environment)]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{tmp_path}"}, stderr=subprocess.DEVNULL
    )
    yield
    process.terminate()
    process.wait(timeout=15)


def answer(address: str) -> int:
    """Return the process id that answers at a socket. Raises OSError while nobody listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(address.removeprefix("unix:"))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = client
        connection.request("GET", "/")
        return int(connection.getresponse().read())


def pid_at(address: str) -> int:
    """Return the process id that answers, once one does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return answer(address)
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.mark.usefixtures("server")
def test_each_process_has_its_socket_and_its_successor_takes_it(environment: Environment) -> None:
    first, second = configuration.api_sockets(environment)
    before = [pid_at(first), pid_at(second)]
    assert len(set(before)) == 2
    assert [{answer(address) for _ in range(5)} for address in (first, second)] == [{pid} for pid in before]
    os.kill(before[0], signal.SIGKILL)
    after = pid_at(first)
    assert after not in before
    assert {pid_at(second) for _ in range(5)} == {before[1]}


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(DeployError, match="CELERITY_API_PROCESSES"):
        configuration.api_sockets(Environment(tmp_path, {"CELERITY_API_PROCESSES": value}))
