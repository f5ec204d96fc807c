"""A guest that its host paused: the row says so, operators see the cause, and can resume it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute.models import Server
from apps.compute.selectors import instance_actions
from apps.workflow.models import Finding, Run
from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.host import events
from workers.host.reconcilers import power
from workers.tasks.servers.power import Unpause

pytestmark = pytest.mark.django_db


class Hypervisor:
    """One guest, paused for want of room on a disk."""

    def __init__(self, server_id: uuid.UUID) -> None:
        self.state, self.reason, self.id = PowerState.PAUSED, "io_error", str(server_id)

    def info(self, server_id: str) -> DomainInfo:
        reason = "" if self.state == PowerState.RUNNING else self.reason
        return DomainInfo(id=server_id, name="guest", power_state=self.state, reason=reason)

    def unpause(self, server_id: str) -> None:
        assert server_id == self.id
        self.state = PowerState.RUNNING


@pytest.fixture
def server() -> Server:
    return Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id="r", vm_state="active", host="h1",
        power_state=1, flavor={"vcpus": 1, "ram": 1, "disk": 1, "ephemeral": 0, "swap": 0},
    )  # fmt: skip


class Volumes:
    """No volume of the host is in use."""

    def list_exports(self) -> tuple[()]:
        return ()

    list_connections = list_exports


@pytest.fixture
def drivers(server: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    @contextmanager
    def rest(drivers: Any, server_id: uuid.UUID) -> Iterator[bool]:
        yield True

    monkeypatch.setattr(power, "idle", rest)
    return SimpleNamespace(host="h1", hypervisor=Hypervisor(server.id), volume=Volumes())


def test_the_operator_reads_why(drivers: Any, server: Server) -> None:
    events.write_power_state(drivers, server.id, "paused")
    server.refresh_from_db()
    assert server.status == "PAUSED"
    finding = Finding.objects.get()
    assert (finding.host, finding.subject) == ("h1", str(server.id))
    assert "a disk failed or its file system is full" in finding.done and "Unpause" in finding.done
    events.write_power_state(drivers, server.id, "paused")  # events come twice
    assert Finding.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "reason", "action", "words"),
    [("paused", "io_error", "pause", "file system is full"), ("paused", "watchdog", "pause", "watchdog fired"),
     ("crashed", "crashed", "stop", "crashed, or was killed"), ("shutdown", "", None, None)],
)  # fmt: skip
def test_the_owner_reads_why(
    drivers: Any, server: Server, state: str, reason: str, action: str | None, words: str | None
) -> None:
    """Among the server's actions; a guest that powers itself off leaves none."""
    drivers.hypervisor.state, drivers.hypervisor.reason = PowerState(state), reason
    for _ in range(2):
        events.write_power_state(drivers, server.id, state)
    told = [(run.action, instance_actions.reason_of(run)) for run in Run.objects.all()]
    assert [name for name, _ in told] == ([action] if action else [])
    assert not words or words in str(told[0][1])


def test_unpause(drivers: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    Server.objects.filter(id=server.id).update(vm_state="paused", task_state="unpausing")
    step = Unpause()
    monkeypatch.setattr(step, "drivers", lambda ctx: drivers)
    ctx: Any = SimpleNamespace(subject_id=server.id, checkpoint=lambda: None)
    step.execute(ctx)
    step.record(ctx, step.execute(ctx))  # a step that starts over
    server.refresh_from_db()
    assert (server.status, server.task_state, server.power_state) == ("ACTIVE", "", 1)
