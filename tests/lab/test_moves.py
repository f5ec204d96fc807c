"""Guests that move between real hosts with their data, cold: a guest is there once, and its disk is whole."""

from typing import Any

import pytest

from deploy.lab import machines
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.test_volumes import FIND, Volumes

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(1200)]
SECONDS = 180
WRITE = "dd if=/dev/urandom of=/root/data bs=1M count=8 2>/dev/null && sync && sha256sum /root/data"


class Moved:
    """A guest, where it should be, and the sum of its file."""

    def __init__(self, cloud: LabCloud, guest: Guest) -> None:
        self.cloud, self.guest = cloud, guest
        self.sum = str(cloud.ssh(guest, WRITE)).split()[0]

    def act(self, body: dict[str, Any], status: str, *, microversion: str = "2.93") -> dict[str, Any]:
        """Do an action, and return the server once it has this status and no task."""
        self.cloud.api.post(f"{COMPUTE}/servers/{self.guest.id}/action", body, microversion=microversion)

        def settled() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.cloud.api.get(f"{COMPUTE}/servers/{self.guest.id}")["server"]
            return shown if not shown["OS-EXT-STS:task_state"] else None

        shown = wait_for(settled, what=f"{body} over", seconds=SECONDS)
        actions = self.cloud.api.get(f"{COMPUTE}/servers/{self.guest.id}/os-instance-actions")["instanceActions"]
        assert shown["status"] == status, (body, shown, actions[0])
        return dict(shown)

    def check(self, *, sum_of: str = "", host: str = "") -> None:
        """The guest answers with its file, and only one host has it."""
        wait_for(lambda: self.cloud.ssh(self.guest, "true", check=False) is not None, what="ssh", seconds=SECONDS)
        assert str(self.cloud.ssh(self.guest, "sha256sum /root/data")).split()[0] == (sum_of or self.sum)
        running = [
            item.name
            for item in self.cloud.lab.plan.hosts
            if machines.is_on(item) and self.guest.id in self.domains(item)
        ]
        assert running == [host], (running, host)

    def domains(self, host: Any) -> str:
        return machines.run(host, "virsh", "-c", "qemu:///system", "list", "--uuid").stdout


def test_migrate_resize_and_shelve(cloud: LabCloud) -> None:
    """It migrates and is confirmed, is resized and comes back without what it wrote since, is shelved and unshelved on
    the other host, and takes a volume along.
    """
    router, group = cloud.router_on("way", "compute-2"), cloud.open_group("open")
    network = cloud.network("net", "10.9.3.0/24", router)
    guest = cloud.reachable(cloud.active(cloud.order("moves", "compute-1", network, group)))
    moved = Moved(cloud, guest)
    assert moved.act({"migrate": {"host": "compute-2"}}, "VERIFY_RESIZE")["OS-EXT-SRV-ATTR:host"] == "compute-2"
    moved.check(host="compute-2")
    moved.act({"confirmResize": None}, "ACTIVE")
    flavors = cloud.api.get(f"{COMPUTE}/flavors/detail")["flavors"]
    larger = next(flavor["id"] for flavor in flavors if flavor["name"] == "m1.small")
    moved.act({"resize": {"flavorRef": larger}}, "VERIFY_RESIZE")
    host = cloud.api.get(f"{COMPUTE}/servers/{guest.id}")["server"]["OS-EXT-SRV-ATTR:host"]
    moved.check(host=host)
    since = str(cloud.ssh(guest, WRITE)).split()[0]
    moved.check(sum_of=since, host=host)
    moved.act({"revertResize": None}, "ACTIVE")
    moved.check(host="compute-2")
    shelved = moved.act({"shelve": None}, "SHELVED_OFFLOADED")
    assert shelved["OS-EXT-SRV-ATTR:host"] is None
    moved.act({"unshelve": {"host": "compute-1"}}, "ACTIVE")
    moved.check(host="compute-1")
    volumes = Volumes(cloud)
    volume = volumes.create("compute-1")
    device = volumes.attach(volume, guest)
    cloud.ssh(guest, f"dd if=/root/data of={device} bs=1M count=8 2>/dev/null && sync")
    moved.act({"migrate": {"host": "compute-2"}}, "VERIFY_RESIZE")
    moved.check(host="compute-2")
    read = f"dd if=$({FIND.format(serial=volume[:20])}) bs=1M count=8 2>/dev/null | sha256sum"
    assert str(cloud.ssh(guest, read)).split()[0] == moved.sum  # over the network, from the host that has it
    moved.act({"revertResize": None}, "ACTIVE")
    moved.check(host="compute-1")
    assert str(cloud.ssh(guest, read)).split()[0] == moved.sum
    volumes.detach(volume, guest)
    volumes.clear()
    cloud.clear()


def test_a_server_whose_image_was_deleted(cloud: LabCloud) -> None:
    """Its disk lies on it: the source hands it over to a host that never had it."""
    router, group = cloud.router_on("way", "compute-1"), cloud.open_group("open")
    network = cloud.network("net", "10.9.5.0/24", router)
    first = Moved(cloud, cloud.reachable(cloud.active(cloud.order("first", "compute-1", network, group))))
    tiny, path = cloud.image, "/image/v2/images"
    first.act({"createImage": {"name": "own"}}, "ACTIVE")

    def made() -> str | None:
        return next((one["id"] for one in cloud.api.get(path, name="own", status="active")["images"]), None)

    cloud.image = wait_for(made, what="the image", seconds=SECONDS)
    try:
        moved = Moved(cloud, cloud.reachable(cloud.active(cloud.order("second", "compute-1", network, group))))
        cloud.api.delete(f"{path}/{cloud.image}")
    finally:
        cloud.image = tiny
    moved.act({"migrate": {"host": "compute-2"}}, "VERIFY_RESIZE")
    moved.check(host="compute-2")
    moved.act({"confirmResize": None}, "ACTIVE")
    moved.check(host="compute-2")
    cloud.clear()
