"""A lab with disks, volumes and images in a Ceph cluster: boots and moves copy nothing, a lost host loses nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.lab import machines, plan
from deploy.lab.lab import Lab
from deploy.testrun import make_state
from tests import ceph
from tests.cloud import wait_for
from tests.lab import full_pool
from tests.lab.cloud import COMPUTE, NETWORK, Guest, LabCloud
from tests.lab.machine import Machine
from tests.lab.released import Released
from tests.lab.test_encrypted_volumes import TYPE, make_type, order_from
from tests.lab.test_live_moves import FILL, live, places, read
from tests.lab.test_moves import Moved
from tests.lab.test_outages import findings, pid_of
from tests.lab.test_volumes import VOLUME, Volumes
from tests.lab.walk import walk

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


def new_volume(volumes: Volumes, killing: "Killing | None" = None, **values: Any) -> str:
    path, asked = f"{VOLUME}/volumes", {"volume": {"size": 1, **values}}
    if killing is None:
        made = str(volumes.cloud.api.post(path, asked).json()["volume"]["id"])
    else:
        made = killing.making(path, asked)
    volumes.made.append(made)
    volumes.wait(made, "available")
    return made


def left_in(cluster: ceph.CephCluster) -> list[str]:
    return [name for name in cluster.rbd("ls").split() if not name.startswith(("content-", "image-"))]


def image_of(moved: Moved, cluster: ceph.CephCluster) -> str:
    """Make an image of a guest, a clone, and a guest of that, which has the same file; return the image."""
    cloud = moved.cloud
    cloud.ssh(moved.guest, "sync")
    moved.act({"createImage": {"name": "of-moves"}}, "ACTIVE")
    image = cloud.api.get("/image/v2/images", name="of-moves")["images"][0]
    wait_for(lambda: cloud.api.get(f"/image/v2/images/{image['id']}")["status"] == "active", what="the image")
    shown = cloud.api.get(f"/image/v2/images/{image['id']}")
    assert (shown["disk_format"], shown["os_hash_value"], shown["checksum"]) == ("raw", None, None)
    [content] = [name for name in cluster.rbd("ls").split() if image["id"].replace("-", "") * 2 in name]
    assert parent_of(cluster, content) == f"disk-{moved.guest.id}-root"
    usual, cloud.image = cloud.image, image["id"]
    network = cloud.api.get(f"{NETWORK}/networks", name="net")["networks"][0]["id"]
    group = cloud.api.get(f"{NETWORK}/security-groups", name="open")["security_groups"][0]["id"]
    copy = cloud.reachable(cloud.active(cloud.order("copy", "compute-2", network, group)))
    cloud.image = usual
    assert str(cloud.ssh(copy, "sha256sum /root/data")).split()[0] == moved.sum
    cloud.api.delete(f"{COMPUTE}/servers/{copy.id}")
    cloud.wait_gone(copy.id)
    return str(image["id"])


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

        image = image_of(moved, cluster)

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

        released = Released(cloud, cluster, volumes, new_volume(volumes))
        for host in ("compute-2", "compute-1", "compute-2"):
            released.move(host)
        lost = cloud.host("compute-2")
        cloud.lab.cut(lost)
        cloud.force_down(lost.name, down=True)
        moved.act({"evacuate": {}}, "ACTIVE")
        moved.check(host="compute-1")
        released.move("compute-1")  # its host is gone
        volumes.attach(released.volume, other)
        released.check("compute-1")
        volumes.detach(released.volume, other)
        released.manage()
        cloud.lab.restart(lost)
        cloud.force_down(lost.name, down=False)
        moved.check(host="compute-1")
        volumes.detach(volume, other)
        volumes.clear()
        cloud.clear()
        cloud.api.delete(f"/image/v2/images/{image}")
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)
        wait_for(lambda: left_in(cluster) == [] == cluster.rbd("trash", "ls").split(), what="nothing left", seconds=90)


def test_the_walk_of_the_documentation(cluster_cloud: tuple[LabCloud, ceph.CephCluster], tmp_path: Path) -> None:
    cloud, cluster = cluster_cloud
    with cloud.machine.entered():
        walk(cloud, tmp_path)
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)
        wait_for(lambda: left_in(cluster) == [] == cluster.rbd("trash", "ls").split(), what="nothing left", seconds=90)


def test_a_guest_in_a_full_pool(cluster_cloud: tuple[LabCloud, ceph.CephCluster]) -> None:
    cloud, cluster = cluster_cloud
    with cloud.machine.entered():
        network, _, group = places(cloud)
        volumes = Volumes(cloud)
        guest = cloud.reachable(cloud.active(cloud.order("writes", "compute-1", network, group)))
        full_pool.outlive(cloud, cluster, volumes, guest, new_volume(volumes), new_volume(volumes))
        volumes.clear()
        cloud.clear()
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)


def test_images_of_servers_and_of_sealed_volumes(cluster_cloud: tuple[LabCloud, ceph.CephCluster]) -> None:
    """Shelved, a server is a clone of its disk, and a clone of that on another host; of a sealed volume in use another
    server boots by an image, and nothing is left of any of it.
    """
    cloud, cluster = cluster_cloud
    with cloud.machine.entered():
        network, _, group = places(cloud)
        volumes, kind = Volumes(cloud), make_type(cloud)
        moved = Moved(cloud, cloud.reachable(cloud.active(cloud.order("shelved", "compute-1", network, group))))
        disk = f"disk-{moved.guest.id}-root"
        root = new_volume(volumes, volume_type=TYPE, imageRef=cloud.image)
        sealed = Moved(cloud, order_from(cloud, root, "compute-1", network, group))
        assert parent_of(cluster, disk).startswith("image-")  # of a qcow2 the cluster has one raw copy

        moved.act({"shelve": None}, "SHELVED_OFFLOADED")
        [image] = cloud.api.get("/image/v2/images", name="shelved-shelved")["images"]
        assert (image["disk_format"], image["os_hash_value"]) == ("raw", None)
        [content] = [name for name in cluster.rbd("ls").split() if image["id"].replace("-", "") * 2 in name]
        assert parent_of(cluster, content) == disk and disk not in cluster.rbd("ls").split()
        moved.act({"unshelve": {"host": "compute-2"}}, "ACTIVE")
        moved.check(host="compute-2")
        sealed.act({"shelve": None}, "SHELVED_OFFLOADED")
        sealed.act({"unshelve": {"host": "compute-2"}}, "ACTIVE")
        sealed.check(host="compute-2")

        cloud.ssh(sealed.guest, "sync")
        asked = {"image_name": "sealed", "disk_format": "raw", "container_format": "bare", "force": True}
        path = f"{VOLUME}/volumes/{root}/action"
        answer = cloud.api.post(path, {"os-volume_upload_image": asked}).json()
        key = answer["os-volume_upload_image"]["image_id"]
        wait_for(lambda: is_active(cloud, key), what="the image", seconds=120)
        assert cloud.api.get(f"/image/v2/images/{key}")["cinder_encryption_key_id"]
        copy = new_volume(volumes, volume_type=TYPE, imageRef=key)
        again = order_from(cloud, copy, "compute-1", network, group)
        assert str(cloud.ssh(again, "sha256sum /root/data")).split()[0] == sealed.sum

        cloud.clear()
        volumes.clear()
        cloud.api.delete(f"/image/v2/images/{key}")
        cloud.api.delete(f"{VOLUME}/types/{kind}")
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)
        wait_for(lambda: left_in(cluster) == [] == cluster.rbd("trash", "ls").split(), what="nothing left", seconds=90)


def is_active(cloud: LabCloud, image: str) -> bool:
    """Say whether an image is complete. Fails with the volume service's messages where its upload has failed."""
    known = [one for one in cloud.api.get("/image/v2/images")["images"] if one["id"] == image]
    assert known, cloud.api.get(f"{VOLUME}/messages", microversion="volume 3.70")["messages"]
    return bool(known[0]["status"] == "active")


def parent_of(cluster: ceph.CephCluster, name: str) -> str:
    return str(json.loads(cluster.rbd("info", "--format", "json", name))["parent"]["image"])


class Killing:
    """Kills the agents of all hosts while they work on what was asked for: after so many answers of the API since."""

    def __init__(self, cloud: LabCloud, answers: int) -> None:
        self.cloud, self.answers, self.hosts = cloud, answers, cloud.lab.plan.hosts

    def during(self, act: Callable[[], Any]) -> Any:
        before = {host.name: pid_of(host, "host-agent") for host in self.hosts}
        made = act()
        for _ in range(self.answers):
            self.cloud.api.get(f"{VOLUME}/limits")
        for host in self.hosts:
            machines.run(host, "kill", "-9", str(before[host.name]))
        for host in self.hosts:
            wait_for(lambda h=host: pid_of(h, "host-agent") not in (0, before[h.name]), what=f"{host.name}'s agent")
        return made

    def making(self, path: str, body: dict[str, dict[str, Any]]) -> str:
        [kind] = body
        return str(self.during(lambda: self.cloud.api.post(path, body).json()[kind]["id"]))

    def deleting(self, path: str) -> None:
        self.during(lambda: self.cloud.api.delete(path))


@pytest.mark.parametrize("answers", [0, 10, 30])
def test_agents_killed_at_work(cluster_cloud: tuple[LabCloud, ceph.CephCluster], answers: int) -> None:
    """Each operation of a volume ends as it was asked for, and nothing is left in the pool."""
    cloud, cluster = cluster_cloud
    with cloud.machine.entered():
        network, _, group = places(cloud)
        guest = cloud.active(cloud.order("has-volumes", "compute-1", network, group))
        volumes, killing = Volumes(cloud), Killing(cloud, answers)
        root, data = new_volume(volumes, killing, imageRef=cloud.image), new_volume(volumes, killing)
        attachments = f"{COMPUTE}/servers/{guest.id}/os-volume_attachments"
        killing.during(lambda: cloud.api.post(attachments, {"volumeAttachment": {"volumeId": data}}))
        volumes.wait(data, "in-use")
        asked: dict[str, Any] = {"volume_id": data, "force": True}
        snapshot = f"{VOLUME}/snapshots/{killing.making(f'{VOLUME}/snapshots', {'snapshot': asked})}"
        wait_for(lambda: cloud.api.get(snapshot)["snapshot"]["status"] == "available", what="the snapshot", seconds=90)
        clone = new_volume(volumes, killing, snapshot_id=snapshot.rpartition("/")[2])
        killing.deleting(snapshot)
        killing.deleting(f"{attachments}/{data}")
        volumes.wait(data, "available")
        for volume in (root, clone, data):
            killing.deleting(f"{VOLUME}/volumes/{volume}")
        volumes.made.clear()  # some are gone already
        volumes.clear()
        cloud.clear()
        wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=120)
        wait_for(lambda: left_in(cluster) == [] == cluster.rbd("trash", "ls").split(), what="nothing left", seconds=90)
