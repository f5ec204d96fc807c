"""The cloud of tests starts each process once: a test and the supervisor never both do."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tests.cloud
from tests.cloud import Cloud


class Idle(Cloud):
    def command(self, name: str) -> list[str]:
        return ["sleep", "600"]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud of one process that does nothing. Its supervisor looks when a test says so."""
    environment = {"CELERITY_LISTEN": "127.0.0.1:1", "CELERITY_STATE_DIR": str(tmp_path)}
    (tmp_path / "log").mkdir()
    cloud: Any = Idle(SimpleNamespace(environment=environment, state=tmp_path))  # type: ignore[arg-type]
    cloud.start("agent")
    yield cloud
    cloud.__exit__()


def test_an_agent_that_a_test_starts_is_not_started_by_the_supervisor_too(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor looks while the test's start is under way: the agent of before is dead and no longer held."""
    cloud.kill("agent", restart=False)
    make, started = subprocess.Popen, []
    supervisor = threading.Thread(target=cloud.restart_dead)

    def slow(*arguments: Any, **keywords: Any) -> subprocess.Popen[bytes]:
        if supervisor.ident is None:
            supervisor.start()
            supervisor.join(0.3)  # long enough for a second agent, were there nothing to wait for
        started.append(make(*arguments, **keywords))
        return started[-1]

    monkeypatch.setattr(tests.cloud.subprocess, "Popen", slow)
    cloud.start("agent")
    supervisor.join()
    try:
        assert len(started) == 1
    finally:
        for process in started:
            process.kill()
