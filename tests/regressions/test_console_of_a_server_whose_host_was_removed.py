"""The console of a server on a removed host was a 404, and without an agent port 80 of the API's machine was asked."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.compute.models import Server
from apps.scheduling.models import Host
from tests.api.compute import conftest
from tests.api.compute.conftest import ComputeCaller

alice, make_host, make_server = conftest.alice, conftest.make_host, conftest.make_server
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("host", ["removed", "silent"])
def test_the_console_answers_503(
    alice: ComputeCaller, make_server: Callable[..., Server], make_host: Callable[..., Host], host: str
) -> None:
    make_host("silent", 1, agent_url="")
    server = make_server(alice, host=host)
    answer: Any = alice.call("post", f"/servers/{server.id}/action", {"os-getConsoleOutput": {}})
    assert answer.status_code == 503, answer.content
    assert "has no agent" in answer.json()["serviceUnavailable"]["message"]
