"""Hosts of a lab as machines: cables, rules and power, and nothing left afterwards. No cloud runs on them."""

import subprocess
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.lab import fabric, machines, plan
from deploy.lab.lab import Lab
from deploy.ovn import external
from deploy.private.ovn import namespace, wait_for
from tests.host.ovn_machine import MARKS, devices, pings, tables

pytestmark = MARKS


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def test_machines_are_made_cut_off_and_removed(state_directory: Path) -> None:
    made = plan.make(state_directory / "lab", 2)
    lab = Lab(made)
    with namespace():
        external.FORWARDING.write_text("0\n")
        plan.note(made)
        try:
            use(lab, Lab(plan.make(state_directory / "other", 2)))
        finally:
            lab.down()
        assert devices() == {"lo"} and fabric.TABLE not in tables()
        assert external.FORWARDING.read_text() == "0\n"
        assert str(state_directory) not in mounts() and not made.directory.exists()
    assert made.namespace not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def use(lab: Lab, other: Lab) -> None:
    first, second = lab.plan.hosts
    for _ in range(2):  # again is fine
        lab.make_machines()
    assert machines.run(second, "hostname").stdout.strip() == "compute-2"
    assert machines.run(second, "ls", "-A", "/run").stdout.split() == ["lock"]
    assert machines.run(second, "ps", "-o", "pid=", "1").stdout.strip() == "1"
    machines.run(first, "ping", "-c", "1", "-W", "2", str(second.management.ip))
    machines.run(first, "ping", "-c", "1", "-W", "2", str(second.tunnels.ip))
    assert pings(str(first.management.ip)) and fabric.TABLE in tables()
    assert external.FORWARDING.read_text() == "1\n"
    with pytest.raises(DeployError, match="Another lab"):
        other.make_machines()
    boot_id = machines.run(second, "cat", "/proc/sys/kernel/random/boot_id").stdout
    assert boot_id != machines.run(first, "cat", "/proc/sys/kernel/random/boot_id").stdout
    daemon = subprocess.Popen(machines.command(second, ["sleep", "600"]))
    lab.cut(second)
    assert daemon.wait(10) != 0 and not machines.is_on(second)
    assert not pings(str(second.management.ip))
    lab.make_machines()
    wait_for(lambda: pings(str(second.management.ip)), 10, "the host that is on again")
    assert boot_id != machines.run(second, "cat", "/proc/sys/kernel/random/boot_id").stdout
