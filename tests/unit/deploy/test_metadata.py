"""What `make doctor` and `make status` say of the metadata process."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy import metadata
from deploy.checks import metadata as check
from deploy.checks.finding import Level
from deploy.environment import DEFAULTS, Environment
from deploy.supervision.client import Supervisor

NUMBERS = {"networks": 2, "ports": 3, "requests": {"200": 7, "503": 1}, "questions": 4, "failures": 1, "fails": False}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(Supervisor, "is_running", lambda _: True)
    return Environment(tmp_path, {**DEFAULTS, "CELERITY_NETWORK_DRIVER": "ovn"})


@contextmanager
def process(environment: Environment, content: bytes) -> Iterator[None]:
    """A process that answers once."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(environment.run / "metadata.sock"))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            connection.sendall(content)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("changes", "level"), [({}, Level.OK), ({"fails": True}, Level.WARN)]
)  # fmt: skip
def test_a_process_that_answers(environment: Environment, changes: dict[str, Any], level: Level) -> None:
    with process(environment, json.dumps({**NUMBERS, **changes}).encode()):
        finding = check.check(environment)
    assert finding.level is level
    assert "2 networks, 3 ports; 8 requests" in finding.text


def test_one_that_does_not(environment: Environment) -> None:
    assert metadata.ask(environment) is None
    assert check.check(environment).level is Level.FAIL
    with process(environment, b"nonsense"):
        assert metadata.ask(environment) is None


def test_simulated_hosts_have_none(environment: Environment) -> None:
    simulated = Environment(environment.state, {**environment.values, "CELERITY_HYPERVISOR": "simulated"})
    assert check.check(simulated).level is Level.OK
