"""Encrypted volumes between real hosts: the one that keeps the data, those that have the server, and the one that has
the keys, are not the same.
"""

from collections.abc import Iterator

import pytest

from deploy.lab import machines
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.test_live_moves import FILL, live, places, read
from tests.lab.test_moves import Moved
from tests.lab.test_outages import findings
from tests.lab.test_volumes import VOLUME, Volumes

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(1200)]
TYPE = "LUKS"


def make_type(cloud: LabCloud) -> str:
    """Make the type of encrypted volumes."""
    made = cloud.api.post(f"{VOLUME}/types", {"volume_type": {"name": TYPE}}).json()["volume_type"]["id"]
    encryption = {"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}
    cloud.api.post(f"{VOLUME}/types/{made}/encryption", {"encryption": encryption})
    return str(made)


@pytest.fixture
def volumes(cloud: LabCloud) -> Iterator[Volumes]:
    """Volumes, and a type of encrypted ones. The first host has the keys."""
    made, volumes = make_type(cloud), Volumes(cloud)
    yield volumes
    cloud.clear()
    volumes.clear()
    cloud.api.delete(f"{VOLUME}/types/{made}")
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)


def secrets(cloud: LabCloud) -> dict[str, set[str]]:
    """Return the volumes whose passphrase libvirt has, by the hosts that are on."""
    listed = {
        host.name: machines.run(host, "virsh", "-c", "qemu:///system", "secret-list").stdout.splitlines()[2:]
        for host in cloud.lab.plan.hosts
        if machines.is_on(host)
    }
    return {name: {line.split()[0] for line in lines if line.strip()} for name, lines in listed.items()}


def order_from(cloud: LabCloud, root: str, host: str, network: str, group: str) -> Guest:
    """Boot a server on a host from a volume."""
    wanted = {
        "name": "sealed", "flavorRef": cloud.flavor, "key_name": "lab", "host": host,
        "networks": [{"uuid": network}], "security_groups": [{"name": group}],
        "block_device_mapping_v2": [
            {"boot_index": 0, "uuid": root, "source_type": "volume", "destination_type": "volume"}
        ],
    }  # fmt: skip
    made = cloud.api.post(f"{COMPUTE}/servers", {"server": wanted}, microversion="2.74").json()["server"]["id"]
    return cloud.reachable(cloud.active(made))


def test_a_server_takes_its_encrypted_volumes_along(cloud: LabCloud, volumes: Volumes) -> None:
    """One is its root, kept by the first host, and one goes to a server of another host and back before: live, cold and
    back, shelved, and with the root after the loss of its host.
    """
    network, _, group = places(cloud)
    data = volumes.create("compute-2", volume_type=TYPE)
    root = volumes.create("compute-1", volume_type=TYPE, imageRef=cloud.image)
    assert volumes.shown(data)["encrypted"] and volumes.shown(root)["encrypted"]
    other = cloud.reachable(cloud.active(cloud.order("other", "compute-1", network, group)))
    guest = order_from(cloud, root, "compute-2", network, group)
    moved = Moved(cloud, guest)

    cloud.ssh(guest, FILL.format(device=volumes.attach(data, guest)))
    assert secrets(cloud) == {"compute-1": set(), "compute-2": {root, data}}
    volumes.detach(data, guest)
    device = volumes.attach(data, other)  # its data stays on the second host
    text = f"dd if={device} bs=1M count=8 iflag=direct 2>/dev/null | sha256sum"
    assert str(cloud.ssh(other, text)).split()[0] == moved.sum
    volumes.detach(data, other)
    volumes.attach(data, guest)

    for host in ("compute-1", "compute-2"):
        assert live(moved, host) == host
        moved.check(host=host)
        assert read(moved, data) == moved.sum
        assert {name for name, kept in secrets(cloud).items() if kept} == {host}
    for target, end, after in (("compute-1", "revertResize", "compute-2"), ("compute-1", "confirmResize", "compute-1")):
        moved.act({"migrate": {"host": target}}, "VERIFY_RESIZE")
        moved.check(host=target)
        assert read(moved, data) == moved.sum
        moved.act({end: None}, "ACTIVE")
        moved.check(host=after)
    moved.act({"shelve": None}, "SHELVED_OFFLOADED")
    assert secrets(cloud) == {"compute-1": set(), "compute-2": set()}
    moved.act({"unshelve": {"host": "compute-2"}}, "ACTIVE")
    moved.check(host="compute-2")
    assert read(moved, data) == moved.sum

    volumes.detach(data, guest)  # it is kept by the host that is lost
    cloud.ssh(guest, "sync")
    lost = cloud.host("compute-2")
    cloud.lab.cut(lost)
    cloud.force_down(lost.name, down=True)
    moved.act({"evacuate": {}}, "ACTIVE")
    cloud.lab.restart(lost)
    cloud.force_down(lost.name, down=False)
    moved.check(host="compute-1")
    wait_for(lambda: secrets(cloud) == {"compute-1": {root}, "compute-2": set()}, what="one key", seconds=90)
