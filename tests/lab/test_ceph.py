"""A lab with disks, volumes and images in a Ceph cluster: boots and moves copy nothing, a lost host loses nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.lab import machines, plan
from deploy.lab.lab import Lab
from deploy.testrun import make_state
from tests import ceph
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.machine import Machine
from tests.lab.test_live_moves import FILL, live, places, read
from tests.lab.test_moves import Moved
from tests.lab.test_outages import findings
from tests.lab.test_volumes import VOLUME, Volumes

pytestmark = [
    pytest.mark.lab,
    pytest.mark.libvirt,
    pytest.mark.heavy,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(ceph.missing()), reason="needs Ceph"),
]


@pytest.fixture(scope="module")
def cluster_cloud(guest_image: Path) -> Iterator[tuple[LabCloud, ceph.CephCluster]]:
    """A lab with a cluster on "this machine", which all hosts reach by the management network."""
    state, machine = make_state(), Machine()
    lab = Lab(plan.make(state / "lab", 2))
    root = state / "ceph"
    root.mkdir(mode=0o755)
    cluster = ceph.CephCluster(root, str(lab.plan.address("management", plan.MACHINE).ip))
    try:
        with machine.entered():
            plan.note(lab.plan)
            lab.make_machines()
            cluster.start()
            store = f"rbd://{ceph.POOL}"
            lab.up(
                CELERITY_API_PROCESSES="1", CELERITY_VOLUME_BACKENDS=f"ceph=ceph:{ceph.POOL}",
                CELERITY_ROOT_STORE=store, CELERITY_IMAGE_STORE=store, CELERITY_CEPH_CONF=str(cluster.conf),
                CELERITY_CEPH_KEYRING=str(cluster.keyring), CELERITY_RECOVERY="10",
            )  # fmt: skip
            cloud = LabCloud(lab, machine)
        yield cloud, cluster
    finally:
        with machine.entered():
            lab.down()
            cluster.stop()
        machine.close()
        shutil.rmtree(state, ignore_errors=True)


def disk_xml(cloud: LabCloud, guest: Guest, host: str) -> str:
    return str(machines.run(cloud.host(host), "virsh", "-c", "qemu:///system", "dumpxml", guest.id).stdout)


def new_volume(volumes: Volumes, **values: Any) -> str:
    made = volumes.cloud.api.post(f"{VOLUME}/volumes", {"volume": {"size": 1, **values}}).json()["volume"]["id"]
    volumes.made.append(made)
    volumes.wait(made, "available")
    return str(made)


def test_everything_in_a_cluster(cluster_cloud: tuple[LabCloud, ceph.CephCluster]) -> None:
    """A server's disk is a clone; it moves live and cold without a copy; a volume goes from host to host; its host is
    lost under it, and it starts elsewhere with its data; the host that is back removes what it has.
    """
    cloud, cluster = cluster_cloud
    with cloud.machine.entered():
        network, _, group = places(cloud)
        ordered = [cloud.order(name, "compute-1", network, group) for name in ("moves", "stays")]
        guest, other = (cloud.reachable(cloud.active(server)) for server in ordered)
        moved, volumes = Moved(cloud, guest), Volumes(cloud)
        images = [name for name in cluster.rbd("ls").split() if name.startswith("content-")]
        assert len(images) == 1
        assert f"protocol='rbd' name='{ceph.POOL}/disk-{guest.id}-root'" in disk_xml(cloud, guest, "compute-1")

        volume = new_volume(volumes)
        device = volumes.attach(volume, guest)
        cloud.ssh(guest, FILL.format(device=device))
        assert live(moved, "compute-2") == "compute-2"
        moved.check(host="compute-2")
        assert read(moved, volume) == moved.sum
        assert cluster.rbd("ls").split().count(f"disk-{guest.id}-root") == 1
        volumes.detach(volume, guest)
        device = volumes.attach(volume, other)  # of compute-1, written on compute-2's
        text = f"dd if={device} bs=1M count=8 iflag=direct 2>/dev/null | sha256sum"
        assert str(cloud.ssh(other, text)).split()[0] == moved.sum

        for target, end in (("compute-1", "revertResize"), ("compute-1", "confirmResize")):
            moved.act({"migrate": {"host": target}}, "VERIFY_RESIZE")
            moved.check(host=target)
            moved.act({end: None}, "ACTIVE")
        assert live(moved, "compute-2") == "compute-2"
        cloud.ssh(guest, "sync")

        lost = cloud.host("compute-2")
        cloud.lab.cut(lost)
        listed = cloud.api.get(f"{COMPUTE}/os-services", binary="nova-compute", microversion="2.53")["services"]
        service = next(row["id"] for row in listed if row["host"] == lost.name)
        cloud.api.put(f"{COMPUTE}/os-services/{service}", {"forced_down": True}, microversion="2.53")
        moved.act({"evacuate": {}}, "ACTIVE")
        moved.check(host="compute-1")
        cloud.lab.restart(lost)
        cloud.api.put(f"{COMPUTE}/os-services/{service}", {"forced_down": False}, microversion="2.53")
        moved.check(host="compute-1")
        volumes.detach(volume, other)
        volumes.clear()
        cloud.clear()
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)
        left = [name for name in cluster.rbd("ls").split() if not name.startswith(("content-", "image-"))]
        assert left == []
