"""A hypervisor's event that was looked up before a stop, and written after it, showed the stopped server as ACTIVE."""

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute import states
from apps.compute.models import Server
from apps.workflow.services import leases
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.host import events
from workers.system.paths import HostPaths

pytestmark = pytest.mark.django_db(transaction=True)


def make(vm_state: str) -> Server:
    flavor = {"vcpus": 1, "ram": 1, "disk": 0, "ephemeral": 0, "swap": 0, "original_name": "f", "id": "f"}
    known = {"vm_state": vm_state, "power_state": states.RUNNING if vm_state == states.ACTIVE else states.SHUTDOWN}
    return Server.objects.create(name="s", project_id="p", user_id="u", host="h", flavor=flavor, **known)


def host(tmp_path: Path, *answers: PowerState, meanwhile: Any = None) -> HostDrivers:
    """A host whose hypervisor gives these answers, one after the other; ``meanwhile`` happens after the first."""
    left = list(answers)

    def info(server_id: str) -> DomainInfo:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if meanwhile and len(left) == len(answers) - 1:
            meanwhile()
        return DomainInfo(id=server_id, name="s", power_state=answer)

    hypervisor: Any = SimpleNamespace(info=info)
    nothing: Any = SimpleNamespace()
    return HostDrivers(
        host="h",
        hypervisor=hypervisor,
        network=nothing,
        storage=nothing,
        volume=nothing,
        backup=nothing,
        paths=HostPaths(tmp_path),
    )


def test_what_was_looked_up_before_a_stop_is_not_written_after_it(tmp_path: Path) -> None:
    server = make(states.STOPPED)
    events.write_power_state(host(tmp_path, PowerState.RUNNING, PowerState.SHUTDOWN), server.id, "started")
    server.refresh_from_db()
    assert server.vm_state == states.STOPPED


def test_a_guest_that_powers_itself_off_is_written(tmp_path: Path) -> None:
    server = make(states.ACTIVE)
    events.write_power_state(host(tmp_path, PowerState.SHUTDOWN), server.id, "stopped")
    server.refresh_from_db()
    assert (server.vm_state, server.power_state) == (states.STOPPED, states.SHUTDOWN)


def test_a_task_that_began_meanwhile_is_left_alone(tmp_path: Path) -> None:
    server = make(states.ACTIVE)
    begin = lambda: Server.objects.filter(id=server.id).update(task_state=states.POWERING_OFF)  # noqa: E731
    drivers = host(tmp_path, PowerState.SHUTDOWN, PowerState.SHUTDOWN, meanwhile=begin)
    events.write_power_state(drivers, server.id, "stopped")
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == (states.ACTIVE, states.POWERING_OFF)


def test_nothing_is_held_afterwards(tmp_path: Path) -> None:
    server = make(states.ACTIVE)
    events.write_power_state(host(tmp_path, PowerState.SHUTDOWN), server.id, "stopped")
    assert leases.try_lock(subject_type="server", subject_id=server.id)
    leases.unlock(subject_type="server", subject_id=server.id)
    events.write_power_state(host(tmp_path, PowerState.SHUTDOWN), uuid.uuid4(), "stopped")
