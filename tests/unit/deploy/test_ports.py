"""Ports: a taken one is named together with who holds it and the setting that moves ours."""

import os
import socket
from collections.abc import Iterator

import pytest

from deploy import ports
from deploy.errors import DeployError


@pytest.fixture
def taken() -> Iterator[ports.Endpoint]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield ports.Endpoint("API", "127.0.0.1", listener.getsockname()[1], "CELERITY_LISTEN")


def test_a_free_port_is_no_error() -> None:
    ports.require_free([ports.Endpoint("API", "127.0.0.1", ports.find_free(), "CELERITY_LISTEN")], lambda pid: False)


def test_a_taken_port_names_the_holder_and_the_setting(taken: ports.Endpoint) -> None:
    with pytest.raises(DeployError) as caught:
        ports.require_free([taken], lambda pid: False)
    assert str(taken.port) in caught.value.message
    assert f"process {os.getpid()} " in caught.value.message
    assert "CELERITY_LISTEN" in caught.value.hint


def test_our_own_process_may_hold_it(taken: ports.Endpoint) -> None:
    ports.require_free([taken], lambda pid: pid == os.getpid())
