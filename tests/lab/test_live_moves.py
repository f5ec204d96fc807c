"""Guests that move between real hosts while they run: with their connections, disks and volumes, whatever is killed."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from deploy.lab import machines
from deploy.lab.plan import LabHost
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.test_moves import Moved
from tests.lab.test_outages import findings, kill, pid_of
from tests.lab.test_volumes import FIND, VOLUME, Volumes
from tests.lab.traffic import pinging

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(1200)]
GAP_SECONDS = 1.0
COUNT = "i=0; while [ $i -lt 4000 ]; do echo $i; i=$((i+1)); sleep 0.05; done"


FILL = "dd if=/root/data of={device} bs=1M count=8 2>/dev/null && sync"


def read(moved: Moved, volume: str) -> str:
    """Return the sum of what is on a guest's volume."""
    command = f"dd if=$({FIND.format(serial=volume[:20])}) bs=1M count=8 iflag=direct 2>/dev/null | sha256sum"
    return str(moved.cloud.ssh(moved.guest, command)).split()[0]


def places(cloud: LabCloud) -> tuple[str, str, str]:
    """Return a network behind a router, its id, and a group that lets everything in."""
    router, group = cloud.router_on("way", "compute-1"), cloud.open_group("open")
    return cloud.network("net", "10.9.4.0/24", router), router, group


@pytest.fixture
def moved(cloud: LabCloud) -> Iterator[Moved]:
    """A guest on the first host, with a file."""
    network, _, group = places(cloud)
    yield Moved(cloud, cloud.reachable(cloud.active(cloud.order("lively", "compute-1", network, group))))
    cloud.clear()
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)


def live(moved: Moved, host: str, status: str = "ACTIVE") -> str:
    """Move a guest live, and return the host it is on then."""
    body = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
    return str(moved.act(body, status, microversion="2.30")["OS-EXT-SRV-ATTR:host"])


def host_of(moved: Moved) -> str:
    return str(moved.cloud.api.get(f"{COMPUTE}/servers/{moved.guest.id}")["server"]["OS-EXT-SRV-ATTR:host"])


def test_nobody_notices(moved: Moved) -> None:
    """An open ssh session goes on, no ping is late by a second; disk, volume and the console's text come along."""
    cloud, guest, volumes = moved.cloud, moved.guest, Volumes(moved.cloud)
    volume = volumes.create("compute-1")
    device = volumes.attach(volume, guest)
    cloud.ssh(guest, FILL.format(device=device) + "; echo before-the-move > /dev/console")
    session = subprocess.Popen(cloud.command(guest, COUNT), stdout=subprocess.PIPE, text=True)
    try:
        for host in ("compute-2", "compute-1"):
            with pinging(guest.floating_ip) as pings:
                assert live(moved, host) == host
            print(f"To {host}: {pings.lost} of {pings.sent} pings lost, none for {pings.gap:.2f} s.")
            assert pings.gap < GAP_SECONDS
            moved.check(host=host)
            assert read(moved, volume) == moved.sum
            assert "before-the-move" in cloud.console(guest)
        assert session.poll() is None
    finally:
        session.terminate()
        lines = session.communicate()[0].split()
    assert len(lines) > 20 and lines == [str(number) for number in range(len(lines))]
    moved.act({"pause": None}, "PAUSED")
    for host in ("compute-2", "compute-1", "compute-2"):  # QEMU 7.2 died of the second move
        assert live(moved, host, "PAUSED") == host
    moved.act({"unpause": None}, "ACTIVE")
    moved.check(host="compute-2")
    volumes.detach(volume, guest)
    volumes.clear()


def test_a_server_that_boots_from_a_volume(cloud: LabCloud) -> None:
    network, _, group = places(cloud)
    volumes = Volumes(cloud)
    root = volumes.create("compute-2", imageRef=cloud.image)
    wanted = {
        "name": "rooted", "flavorRef": cloud.flavor, "key_name": "lab", "host": "compute-1",
        "networks": [{"uuid": network}], "security_groups": [{"name": group}],
        "block_device_mapping_v2": [
            {"boot_index": 0, "uuid": root, "source_type": "volume", "destination_type": "volume"}
        ],
    }  # fmt: skip
    made = cloud.api.post(f"{COMPUTE}/servers", {"server": wanted}, microversion="2.74").json()["server"]["id"]
    moved = Moved(cloud, cloud.reachable(cloud.active(made)))
    for host in ("compute-2", "compute-1"):
        assert live(moved, host) == host
        moved.check(host=host)
    moved.act({"migrate": {"host": "compute-2"}}, "VERIFY_RESIZE")
    moved.check(host="compute-2")
    moved.act({"revertResize": None}, "ACTIVE")
    moved.check(host="compute-1")
    cloud.clear()
    wait_for(lambda: volumes.shown(root)["status"] == "available", what="the volume free")
    volumes.clear()
    assert not cloud.api.get(f"{VOLUME}/volumes")["volumes"]


def kill_qemu(host: LabHost, guest: Guest) -> None:
    machines.run(host, "pkill", "-9", "-f", f"qemu-system.*{guest.id}")


def silent(cloud: LabCloud) -> list[str]:
    """Return the hosts that are down: an agent that was killed takes a while to start."""
    listed = cloud.api.get(f"{COMPUTE}/os-services", binary="nova-compute")["services"]
    return [service["host"] for service in listed if service["state"] != "up"]


def await_agents(cloud: LabCloud) -> None:
    """Wait until every host is heard again. Fails with what the agents of silent ones wrote last."""
    try:
        wait_for(lambda: not silent(cloud), what="both agents back", seconds=180)
    except AssertionError as error:
        logs = [(cloud.host(name).state / "log" / "host-agent.log").read_text()[-4000:] for name in silent(cloud)]
        raise AssertionError("\n".join([str(error), *logs])) from None


def is_copied(cloud: LabCloud, guest: Guest) -> bool:
    """Say whether a part of a guest's memory has been copied."""
    under_way = cloud.api.get(f"{COMPUTE}/servers/{guest.id}/migrations", microversion="2.23")["migrations"]
    return any(row["status"] == "running" and row["memory_processed_bytes"] for row in under_way)


@pytest.mark.parametrize("at", ["compute-1", "compute-2"])
@pytest.mark.parametrize("victim", ["host-agent", "libvirtd", "qemu"])
def test_something_dies_amid_a_move(moved: Moved, victim: str, at: str) -> None:
    """The guest runs once, on the host that its row names, with its disk and its volume, which stays on the first host;
    it is off only if its process was killed.
    """
    cloud, guest, volumes = moved.cloud, moved.guest, Volumes(moved.cloud)
    volume = volumes.create("compute-1")
    cloud.ssh(guest, FILL.format(device=volumes.attach(volume, guest)))
    body = {"os-migrateLive": {"host": "compute-2", "block_migration": "auto"}}
    cloud.api.post(f"{COMPUTE}/servers/{guest.id}/action", body, microversion="2.30")
    wait_for(lambda: is_copied(cloud, guest), what="memory that is copied", seconds=60)
    if victim == "qemu":
        kill_qemu(cloud.host(at), guest)
    else:
        kill(cloud.host(at), victim)

    def settled() -> str | None:
        shown = cloud.api.get(f"{COMPUTE}/servers/{guest.id}")["server"]
        return str(shown["status"]) if not shown["OS-EXT-STS:task_state"] else None

    began = time.monotonic()
    status = wait_for(settled, what="the move over", seconds=180)
    print(f"{victim} of {at}: {status} on {host_of(moved)} after {time.monotonic() - began:.0f} s.")
    if (victim, at) == ("qemu", "compute-1"):
        wait_for(lambda: settled() == "SHUTOFF", what="the server off", seconds=90)
        moved.act({"os-start": None}, "ACTIVE")
    assert settled() == "ACTIVE"
    moved.check(host=host_of(moved))
    assert read(moved, volume) == moved.sum
    assert all(pid_of(cloud.host(name), "libvirtd") for name in ("compute-1", "compute-2"))
    await_agents(cloud)
    target = "compute-2" if host_of(moved) == "compute-1" else "compute-1"
    assert live(moved, target) == target
    moved.check(host=target)
    assert read(moved, volume) == moved.sum
    volumes.detach(volume, guest)
    volumes.clear()
