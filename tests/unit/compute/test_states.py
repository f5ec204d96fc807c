"""The states of servers."""

import pytest

from apps.compute import states
from apps.compute.models import Server
from workers.host.reconcilers import power

OF_HOSTS = [
    ("running", "active"), ("paused", "paused"), ("suspended", "suspended"), ("shutdown", "stopped"),
    ("crashed", "stopped"), ("nostate", "stopped"), (None, "stopped"),
]  # fmt: skip


@pytest.mark.parametrize(("power_state", "vm_state"), OF_HOSTS)
def test_a_guests_power_state_gives_the_vm_state(power_state: str | None, vm_state: str) -> None:
    assert states.vm_state_of(power_state) == vm_state
    assert not power.differs(Server(vm_state=vm_state), power_state)
    for other in {*states.SETTLED, states.ERROR} - {vm_state, *states.ON_OR_OFF}:
        assert power.differs(Server(vm_state=other), power_state)


def test_a_rescued_server_stays_so_on_or_off() -> None:
    for power_state, _ in OF_HOSTS:
        assert states.vm_state_of(power_state, states.RESCUED) == states.RESCUED
    rescued = Server(vm_state=states.RESCUED, power_state=states.RUNNING)
    assert not power.differs(rescued, "running") and power.differs(rescued, None)


def test_every_power_state_has_one() -> None:
    assert {name for name, _ in OF_HOSTS} == {*states.POWER_STATES, None}
