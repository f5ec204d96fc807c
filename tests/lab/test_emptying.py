"""Hosts that are drained, evened out and lost: real guests go to others with what can be kept; those that stay are
shown with their reasons.
"""

from collections.abc import Iterator

import pytest

from deploy.lab import machines
from tests.cloud import signed_in, wait_for
from tests.lab.cloud import COMPUTE, LabCloud
from tests.lab.test_live_moves import FILL, live, places, read
from tests.lab.test_moves import SECONDS, Moved
from tests.lab.test_outages import domains, findings
from tests.lab.test_volumes import Volumes

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.hosts(3), pytest.mark.timeout(1200)]
HOST = "compute-2"
STAYS = "is suspended: running, paused and stopped servers are moved"


class Servers:
    """Three on one host: one that runs, one that is off and one that is suspended, each with a file."""

    def __init__(self, cloud: LabCloud) -> None:
        self.cloud = cloud
        network, _, group = places(cloud)
        ordered = [cloud.order(name, HOST, network, group) for name in ("runs", "off", "sleeps")]
        guests = [cloud.reachable(cloud.active(server)) for server in ordered]
        self.runs, self.off, self.sleeps = self.all = tuple(Moved(cloud, guest) for guest in guests)

    def host(self, moved: Moved) -> str:
        server = self.cloud.api.get(f"{COMPUTE}/servers/{moved.guest.id}")["server"]
        return str(server["OS-EXT-SRV-ATTR:host"])

    def moves(self, moved: Moved) -> list[tuple[str, str]]:
        listed = self.cloud.api.get(f"{COMPUTE}/os-migrations", instance_uuid=moved.guest.id, microversion="2.80")
        return [(one["migration_type"], one["status"]) for one in listed["migrations"]]


@pytest.fixture(scope="module")
def servers(lab_cloud: LabCloud) -> Iterator[Servers]:
    with lab_cloud.machine.entered():
        yield Servers(lab_cloud)
        lab_cloud.clear()
        wait_for(lambda: not findings(lab_cloud), what="a cloud without findings", seconds=90)


def celerity(cloud: LabCloud, *words: str, code: int = 0) -> str:
    """Return what a command of operators says, in one line."""
    done = machines.run(cloud.lab.plan.first, "celerity", *words, check=False)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return " ".join(f"{done.stdout} {done.stderr}".split())


def page(cloud: LabCloud, host: str) -> str:
    """Return the admin page of a host."""
    first = cloud.lab.plan.first
    session = signed_in(cloud.lab.plan.url, "admin", first.environment()["CELERITY_ADMIN_PASSWORD"])
    script = f"from apps.scheduling.models import Host; print(Host.objects.get(name={host!r}).pk)"
    key = machines.run(first, "celerity", "shell", "-v", "0", "-c", script).stdout.split()[-1]
    return session.get(f"{cloud.lab.plan.url}/admin/scheduling/host/{key}/change/", timeout=30).text


def test_a_host_is_drained(cloud: LabCloud, servers: Servers) -> None:
    runs, off, sleeps = servers.all
    off.act({"os-stop": None}, "SHUTOFF")
    sleeps.act({"suspend": None}, "SUSPENDED")
    told = celerity(cloud, "drain", HOST, "--wait", code=1)
    assert f"sleeps ({sleeps.guest.id}): {STAYS}" in told and "Servers that stay on compute-2: 1." in told
    shown = page(cloud, HOST)
    assert STAYS in shown and "No server is on its way: these stay" in shown
    assert servers.moves(runs) == [("live-migration", "completed")]
    assert servers.moves(off) == [("migration", "confirmed")] and not servers.moves(sleeps)
    told = celerity(cloud, "why", runs.guest.id)
    assert "The guest was paused for" in told
    print(told[told.index("The guest was paused for") :][:40])
    assert HOST not in (servers.host(runs), servers.host(off))
    runs.check(host=servers.host(runs))
    off.act({"os-start": None}, "ACTIVE")
    off.check(host=servers.host(off))
    sleeps.act({"resume": None}, "ACTIVE")
    assert "compute-2 is empty." in celerity(cloud, "drain", HOST, "--wait")
    sleeps.check(host=servers.host(sleeps))
    assert domains(cloud.host(HOST)) == []
    celerity(cloud, "drain", HOST, "--end")


def test_hosts_are_evened_out(cloud: LabCloud, servers: Servers) -> None:
    """Three servers are on two hosts; the third is empty."""
    told = celerity(cloud, "rebalance", "--threshold", "0")
    proposed = [moved for moved in servers.all if f"({moved.guest.id}) from {servers.host(moved)} to {HOST}" in told]
    assert len(proposed) == 1 and "Nothing was changed." in told, told
    assert "is on compute-2" in celerity(cloud, "rebalance", "--threshold", "0", "--do")
    assert servers.host(proposed[0]) == HOST
    for moved in servers.all:
        moved.check(host=servers.host(moved))


def test_a_host_is_lost(cloud: LabCloud, servers: Servers) -> None:
    """Its processes are killed. A server is made again from its image, and keeps its volume's data; its host comes back
    without anything of it.
    """
    moved, volumes, lost = servers.runs, Volumes(cloud), cloud.host("compute-3")
    if servers.host(moved) != lost.name:
        live(moved, lost.name)
    volume = volumes.create("compute-1")
    cloud.ssh(moved.guest, FILL.format(device=volumes.attach(volume, moved.guest)))
    cloud.lab.cut(lost)
    told = celerity(cloud, "evacuate", lost.name, "--plan")
    assert "its disk is made again, its volumes keep their data" in told
    assert "compute-3 is not forced down: switch the machine off" in told
    cloud.force_down(lost.name, down=True)
    celerity(cloud, "evacuate", lost.name)

    def is_elsewhere() -> bool:
        server = cloud.api.get(f"{COMPUTE}/servers/{moved.guest.id}")["server"]
        return bool(server["status"] == "ACTIVE" and server["OS-EXT-SRV-ATTR:host"] != lost.name)

    wait_for(is_elsewhere, what="the server made again", seconds=SECONDS)
    wait_for(lambda: cloud.ssh(moved.guest, "true", check=False) is not None, what="ssh", seconds=SECONDS)
    assert cloud.ssh(moved.guest, "ls /root/data", check=False) is None
    before = moved.sum
    assert read(moved, volume) == before
    moved.sum = Moved(cloud, moved.guest).sum
    cloud.lab.restart(lost)
    cloud.force_down(lost.name, down=False)
    wait_for(lambda: not domains(lost), what="a host without its guest", seconds=90)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)
    left = machines.run(lost, "find", str(lost.state), "-path", f"*{moved.guest.id}*", "-not", "-path", "*/log/*")
    assert not left.stdout, left.stdout
    moved.check(host=servers.host(moved))
    assert read(moved, volume) == before
    volumes.detach(volume, moved.guest)
    volumes.clear()
