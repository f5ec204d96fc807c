"""Daemons and a whole host are lost under traffic, and come back."""

import json
import time

import pytest

from deploy.lab import machines
from deploy.lab.plan import LabHost
from tests.cloud import wait_for
from tests.host.ovn_machine import pings
from tests.lab.cloud import COMPUTE, NETWORK, Guests, LabCloud
from tests.lab.traffic import flowing, pinging, pinging_in, send

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]
FAILOVER_SECONDS = 10
CENTRAL = ("ovn-northd", "ovn-nb", "ovn-sb")


def pid_of(host: LabHost, program: str) -> int:
    """Return the process id of a program under a host's supervisor, 0 while it does not run."""
    script = (
        "import sys; from deploy.environment import load; from deploy.supervision.client import Supervisor;"
        f"print(Supervisor(load()).states()[{program!r}]['pid'])"
    )
    return int(machines.run(host, machines.PYTHON, "-c", script).stdout)


def kill(host: LabHost, program: str) -> None:
    """SIGKILL a program, and wait until the supervisor has started it again."""
    before = pid_of(host, program)
    machines.run(host, "kill", "-9", str(before))
    wait_for(lambda: pid_of(host, program) not in (0, before), what=f"{program} on {host.name} again")


def follows(host: LabHost) -> bool:
    """Say whether a host's ovn-controller is connected to the southbound database."""
    run_directory = f"OVN_RUNDIR={host.state / 'ovn' / 'host'}"
    asked = ("env", run_directory, "ovn-appctl", "-T", "5", "-t", "ovn-controller", "connection-status")
    return machines.run(host, *asked, check=False).stdout.strip() == "connected"


def gateway(cloud: LabCloud, router: str) -> str:
    """Return the host that is the gateway of a router, empty while there is none."""
    ports = cloud.api.get(f"{NETWORK}/ports", device_id=router, device_owner="network:router_gateway")["ports"]
    first = cloud.lab.plan.first
    tool = ("ovn-sbctl", f"--db=unix:{first.state / 'ovn' / 'central' / 'sb.sock'}", "--timeout=5", "--bare")
    listed = machines.run(
        first, *tool, "--columns=logical_port,chassis", "find", "Port_Binding", "type=chassisredirect"
    )
    rows = [rows.split() for rows in listed.stdout.split("\n\n")]
    chassis = next((row[1] for row in rows if len(row) == 2 and ports[0]["id"] in row[0]), "")
    return machines.run(first, *tool, "get", "Chassis", chassis, "name").stdout.strip().strip('"') if chassis else ""


def test_control_plane_killed_without_a_lost_ping(cloud: LabCloud, guests: Guests) -> None:
    first, second = cloud.lab.plan.hosts[:2]
    with (
        pinging(guests.near.floating_ip) as in_, pinging(guests.far.floating_ip) as across,
        pinging_in(cloud, guests.near, guests.far.address) as inside,
    ):  # fmt: skip
        for host in (first, second):
            kill(host, "host-agent")
            kill(host, "ovn-controller")
        for program in CENTRAL:
            kill(first, program)
        wait_for(lambda: follows(first) and follows(second), what="ovn-controllers that are connected again")
        sent, received = inside()
    assert (in_.lost, across.lost) == (0, 0), (in_.gap, across.gap)
    assert sent == received > 0


def test_switch_killed(cloud: LabCloud, guests: Guests) -> None:
    """The switch's database is missed for less than a second, the switch itself (netdev) for less than ten; what an
    established connection sends arrives then.
    """
    second = cloud.host("compute-2")
    with pinging(guests.far.floating_ip) as far:
        kill(second, "ovs-db")
        wait_for(lambda: follows(second), what="an ovn-controller that is connected again")
    print(f"Without the switch's database: {far.gap:.1f} s.")
    assert far.gap < 1
    with flowing(cloud, guests.near, guests.far) as arrived:
        with pinging(guests.far.floating_ip) as far:
            kill(second, "ovs-vswitchd")
            wait_for(lambda: follows(second) and pings(guests.far.floating_ip), what="traffic again")
        print(f"Without the switch: {far.gap:.1f} s.")
        assert far.gap < 10
        before = arrived()
        wait_for(lambda: arrived() > before, what="bytes of the established connection")
    send(cloud, guests.near, guests.far)


@pytest.mark.hosts(3)  # with two, each would take itself for the one that is cut off
def test_a_gateway_host_is_lost_and_comes_back(cloud: LabCloud, guests: Guests) -> None:
    second = cloud.host("compute-2")
    assert gateway(cloud, guests.router) == "compute-2"
    with pinging(guests.near.floating_ip) as near:
        lost_at = time.time()
        cloud.lab.cut(second)
        wait_for(lambda: pings(guests.near.floating_ip), what="the floating IP at the other gateway")
    assert lost_at < near.received[-1][1]
    print(f"The floating IP was away for {near.gap:.1f} s.")
    assert near.gap < FAILOVER_SECONDS
    assert gateway(cloud, guests.router) in ("compute-1", "compute-3")
    assert cloud.ssh(guests.near, "hostname") == "near"
    cloud.api.delete(f"{COMPUTE}/servers/{guests.other.id}")

    cloud.lab.restart(second)
    wait_for(lambda: gateway(cloud, guests.router) == "compute-2", what="the gateway at its first host")
    wait_for(lambda: cloud.ssh(guests.far, "hostname", check=False) == "far", what="the guest, started again")
    told = machines.run(cloud.lab.plan.first, "celerity", "why", guests.far.id).stdout
    assert "started: the machine restarted" in " ".join(told.split()), told
    cloud.wait_gone(guests.other.id)
    send(cloud, guests.near, guests.far)
    assert guests.far.id in domains(second)
    wait_for(lambda: guests.other.id not in domains(second), what="no guest that was deleted meanwhile", seconds=90)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)


def test_the_second_of_two_hosts_is_lost(cloud: LabCloud, guests: Guests) -> None:
    """OVN alone would not move the gateway: of two hosts, none knows which one is cut off. The network worker does."""
    second, *others = cloud.lab.plan.hosts[1:]
    for host in others:
        cloud.lab.cut(host)
    if others:
        wait_for(lambda: not is_listed(cloud, others[0]), what="gateways without the lost host", seconds=60)
    assert gateway(cloud, guests.router) == "compute-2"
    with pinging(guests.near.floating_ip) as near:
        cloud.lab.cut(second)
        wait_for(lambda: gateway(cloud, guests.router) == "compute-1", what="the gateway at the host that is left")
        wait_for(lambda: pings(guests.near.floating_ip), what="the floating IP at the other gateway")
    print(f"The floating IP was away for {near.gap:.1f} s.")
    assert near.gap < FAILOVER_SECONDS
    for host in (second, *others):
        cloud.lab.restart(host)
    wait_for(lambda: gateway(cloud, guests.router) == "compute-2", what="the gateway at its first host", seconds=60)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)


def is_listed(cloud: LabCloud, host: LabHost) -> bool:
    """Say whether a router may have its gateway on a host."""
    first = cloud.lab.plan.first
    tool = ("ovn-nbctl", f"--db=unix:{first.state / 'ovn' / 'central' / 'nb.sock'}", "--timeout=5", "--bare")
    found = machines.run(first, *tool, "--columns=_uuid", "find", "Gateway_Chassis", f"chassis_name={host.name}")
    return bool(found.stdout.strip())


def domains(host: LabHost) -> list[str]:
    return machines.run(host, "virsh", "-q", "list", "--all", "--uuid").stdout.split()


def findings(cloud: LabCloud) -> list[dict[str, object]]:
    """Return what `celerity consistency` finds: rows, hosts and OVN that do not agree."""
    done = machines.run(cloud.lab.plan.first, "celerity", "consistency", "--json", check=False)
    return list(json.loads(done.stdout.splitlines()[-1]))
