"""Volumes of guests that run, real: one of two guests, limits, a backup under writes, more room, a lost host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.lab import machines
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.test_live_moves import places
from tests.lab.test_outages import findings
from tests.lab.test_volumes import FIND, VOLUME, WRITE, Volumes, goes_on, why
from tests.lab.walk import walk

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(1200)]
SUM = "dd if={disk} bs=1M count=8 skip=16 iflag=direct 2>/dev/null | sha256sum"
FILL = "dd if=/dev/urandom of={disk} bs=1M count=8 seek=16 conv=fsync 2>/dev/null"
STOP = "pkill -f 'seek=' ; killall sh"


@pytest.fixture
def volumes(cloud: LabCloud) -> Iterator[Volumes]:
    volumes = Volumes(cloud)
    yield volumes
    cloud.clear()
    for backup in cloud.api.get(f"{VOLUME}/backups")["backups"]:
        cloud.api.delete(f"{VOLUME}/backups/{backup['id']}")
    volumes.clear()
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)


@pytest.fixture
def kinds(cloud: LabCloud, volumes: Volumes) -> Iterator[None]:
    """Two types: of several servers, and with a limit."""
    made = [
        cloud.api.post(f"{VOLUME}/types", {"volume_type": kind}).json()["volume_type"]["id"]
        for kind in ({"name": "shared", "extra_specs": {"multiattach": "<is> True"}}, {"name": "slow"})
    ]
    qos = {"name": "slow", "consumer": "front-end", "total_iops_sec": "50"}
    spec = cloud.api.post(f"{VOLUME}/qos-specs", {"qos_specs": qos}).json()["qos_specs"]["id"]
    cloud.api._send("GET", f"{cloud.api.root}{VOLUME}/qos-specs/{spec}/associate", params={"vol_type_id": made[1]})
    yield
    cloud.clear()
    volumes.clear()
    for kind in made:
        cloud.api.delete(f"{VOLUME}/types/{kind}")
    cloud.api.delete(f"{VOLUME}/qos-specs/{spec}")


def attach(volumes: Volumes, volume: str, guest: Guest) -> str:
    """Attach a volume that another server may have, too; return its device in the guest."""
    asked = {"volumeAttachment": {"volumeId": volume}}
    volumes.cloud.api.post(f"{COMPUTE}/servers/{guest.id}/os-volume_attachments", asked, microversion="2.60")
    look = FIND.format(serial=volume[:20])
    return str(wait_for(lambda: volumes.cloud.ssh(guest, look), what="the disk in the guest", seconds=60))


def sum_of(cloud: LabCloud, guest: Guest, disk: str) -> str:
    return str(cloud.ssh(guest, SUM.format(disk=disk))).split()[0]


def limit_of(cloud: LabCloud, guest: Guest, disk: str) -> int:
    """Return what libvirt has the disk limited to, in operations a second."""
    virsh = ("virsh", "-c", "qemu:///system", "blkdeviotune", guest.id, disk.rpartition("/")[2])
    said = machines.run(cloud.host(guest.host), *virsh).stdout
    return int(re.findall(r"total_iops_sec\s*: (\d+)", said)[0])


def action(cloud: LabCloud, volume: str, **body: Any) -> None:
    cloud.api.post(f"{VOLUME}/volumes/{volume}/action", body, microversion="volume 3.42")


def shown(cloud: LabCloud, guest: Guest) -> dict[str, Any]:
    server: dict[str, Any] = cloud.api.get(f"{COMPUTE}/servers/{guest.id}")["server"]
    return server


def test_volumes_of_running_guests(cloud: LabCloud, volumes: Volumes, kinds: None) -> None:
    network, _, group = places(cloud)
    ordered = [cloud.order(f"on-{host}", host, network, group) for host in ("compute-1", "compute-2")]
    near, far = (cloud.reachable(cloud.active(server)) for server in ordered)

    shared = volumes.create("compute-1", volume_type="shared")
    here, there = attach(volumes, shared, near), attach(volumes, shared, far)
    cloud.ssh(near, FILL.format(disk=here))
    assert sum_of(cloud, near, here) == sum_of(cloud, far, there)
    cloud.ssh(far, FILL.format(disk=there))
    assert sum_of(cloud, near, here) == sum_of(cloud, far, there)

    slow, free = volumes.create("compute-1", volume_type="slow"), volumes.create("compute-1")
    disk = attach(volumes, slow, far)
    assert limit_of(cloud, far, disk) == 50
    with pytest.raises(DeployError, match="QoS"):
        action(cloud, slow, **{"os-retype": {"new_type": "__DEFAULT__", "migration_policy": "never"}})
    path = f"{COMPUTE}/servers/{far.id}/os-volume_attachments/{slow}"
    cloud.api._send("PUT", cloud.api.root + path, json={"volumeAttachment": {"volumeId": free}})
    volumes.wait(slow, "available")
    assert limit_of(cloud, far, disk) == 0

    data = volumes.create("compute-1")
    disk = volumes.attach(data, near)
    cloud.ssh(near, FILL.format(disk=disk))
    digest = sum_of(cloud, near, disk)
    cloud.ssh(near, WRITE.format(disk=disk))
    goes_on(cloud, near, "nothing")
    asked = {"volume_id": data, "name": "in-use", "force": True}
    backup = cloud.api.post(f"{VOLUME}/backups", {"backup": asked}).json()["backup"]["id"]
    path = f"{VOLUME}/backups/{backup}"
    wait_for(lambda: cloud.api.get(path)["backup"]["status"] == "available", what="the backup", seconds=180)
    goes_on(cloud, near, "a backup")
    cloud.ssh(near, STOP, check=False)
    restored = volumes.create("compute-1")
    cloud.api.post(f"{path}/restore", {"restore": {"volume_id": restored}})
    wait_for(lambda: volumes.shown(restored)["status"] == "available", what="the restore", seconds=180)
    assert sum_of(cloud, far, volumes.attach(restored, far)) == digest

    action(cloud, data, **{"os-extend": {"new_size": 2}})
    size = f"cat /sys/block/{disk.rpartition('/')[2]}/size"
    wait_for(lambda: cloud.ssh(near, size) == str(2 << 21), what="the guest sees 2 GiB", seconds=90)
    assert sum_of(cloud, near, disk) == digest


def test_the_walk_of_the_documentation(cloud: LabCloud, tmp_path: Path) -> None:
    walk(cloud, tmp_path)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)


def test_the_storage_host_is_lost_and_comes_back(cloud: LabCloud, volumes: Volumes) -> None:
    """The guest is paused, and its owner reads why. It runs on when its volume is back, which has all that it had."""
    network, _, group = places(cloud)
    guest = cloud.reachable(cloud.active(cloud.order("near", "compute-1", network, group)))
    volume, home = volumes.create("compute-2"), cloud.host("compute-2")
    disk = volumes.attach(volume, guest)
    cloud.ssh(guest, FILL.format(disk=disk))
    digest = sum_of(cloud, guest, disk)
    cloud.ssh(guest, WRITE.format(disk=disk))
    goes_on(cloud, guest, "nothing")

    cloud.lab.cut(home)
    wait_for(lambda: shown(cloud, guest)["status"] == "PAUSED", what="the guest is paused", seconds=180)
    assert shown(cloud, guest)["OS-EXT-STS:power_state"] == 3
    actions = cloud.api.get(f"{COMPUTE}/servers/{guest.id}/os-instance-actions", microversion="2.62")
    messages = [item["message"] for item in actions["instanceActions"]]
    assert any("a disk failed" in str(message) for message in messages), messages
    wait_for(lambda: home.name in why(cloud, guest), what="why says which host is missed", seconds=120)

    cloud.lab.restart(home)
    wait_for(lambda: shown(cloud, guest)["status"] == "ACTIVE", what="the guest runs on", seconds=180)
    goes_on(cloud, guest, "the loss of the volume's host")
    cloud.ssh(guest, STOP, check=False)
    assert sum_of(cloud, guest, disk) == digest
    volumes.detach(volume, guest)
