"""A full Ceph cluster, over a real one: it refuses in words, loses nothing, gives room, and goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.checks import volumes as doctor
from tests import ceph
from tests.unit.drivers import samples
from tests.unit.drivers.ceph_volumes import driver_of
from tests.unit.drivers.test_ceph_disks import image_of
from tests.unit.drivers.volume_contract import made
from workers.drivers.storage import loader
from workers.drivers.storage.errors import NotEnoughSpace
from workers.drivers.volume.base import FromSnapshot, FromVolume
from workers.drivers.volume.ceph.driver import CephVolumes
from workers.drivers.volume.errors import PoolFull

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0 or bool(ceph.missing()), reason="needs root and Ceph"),
    pytest.mark.xdist_group("ceph"),
    pytest.mark.heavy,
]
MIB = 1 << 20


@pytest.fixture
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running() as cluster:
        yield cluster


def io(driver: CephVolumes, volume: str, *commands: str) -> list[str]:
    url = driver._cluster.url(f"volume-{volume}")
    return ["qemu-io", "-f", "raw", "-t", "none", *(word for each in commands for word in ("-c", each)), url]


def test_a_full_cluster(cluster: ceph.CephCluster, tmp_path: Path) -> None:
    """What a guest writes waits, and is whole afterwards; nothing new is made; whatever is deleted goes at once."""
    volumes = driver_of(cluster, tmp_path, tmp_path, cloud="this")
    disks = loader.load(
        "ceph", {"state_dir": tmp_path, "run_dir": tmp_path, "host": "one", "cloud": "this", **cluster.options}
    )
    large, guest, copied, changed = (made(volumes) for _ in range(4))
    for volume, mib in ((large, 128), (copied, 8), (changed, 8)):
        subprocess.run(io(volumes, volume, f"write -q -P 7 0 {mib}M"), check=True)
    clone = made(volumes, 1, FromVolume(copied))
    volumes.create_snapshot(changed, snapshot := samples.new_id())
    of_snapshot = made(volumes, 1, FromSnapshot(changed, snapshot))
    image, source = image_of(tmp_path / "image.qcow2")
    cached, server, moving = disks.cache_image(image, source), samples.new_id(), samples.new_id()
    for key in (server, moving):
        disks.create_root(key, cached, 1)
    disks.keep_server(moving, Event())
    volumes._cluster.do("begin_base", new=(begun := samples.new_id()), size=MIB)  # to be filled with an image

    cluster.be_full(0.02)
    conf = tmp_path / "guest.conf"  # libvirt's guests wait for as long as it takes
    conf.write_text(f"{cluster.conf.read_text()}\n[client.{ceph.USER}]\nkeyring = {cluster.keyring}\n")
    url = f"rbd:{ceph.POOL}/volume-{guest}:id={ceph.USER}:conf={conf}"
    writing = subprocess.Popen(["qemu-io", "-f", "raw", "-c", "write -q -P 5 0 4M", "-c", "flush", url])
    try:
        for act in (lambda: made(volumes), lambda: made(volumes, 1, FromVolume(copied))):
            with pytest.raises(PoolFull):
                act()
        with pytest.raises(NotEnoughSpace):
            disks.create_root(samples.new_id(), cached, 1)
        assert (volumes.pool().free_gib, disks.usage().free_gib) == (0, 0)
        assert "is full" in doctor._ceph(environment(cluster), ceph.POOL)
        volumes.fence(copied)
        volumes.delete_snapshot(changed, snapshot)
        volumes._cluster.do("end_base", key=samples.new_id(), new=begun, whole=False)
        for volume in (changed, copied, of_snapshot, clone) * 2:  # repeated steps
            volumes.delete_volume(volume)
        for key in (moving, server) * 2:
            disks.forget_kept(key)
            disks.delete_disks(key)
        assert volumes.residue(remove=True) == () and writing.poll() is None
        volumes.delete_volume(large)
        cluster.be_full(1)
        assert writing.wait(60) == 0
    finally:
        writing.kill()
        writing.wait()
    subprocess.run(io(volumes, guest, "read -q -P 5 0 4M"), check=True)
    volumes.delete_volume(made(volumes))
    volumes.delete_volume(guest)
    assert doctor._ceph(environment(cluster), ceph.POOL) == ""
    left = [name for name in cluster.rbd("ls").split() if not name.startswith("image-")]
    assert (left, cluster.rbd("trash", "ls").strip(), volumes.list_volumes(), disks.list_disks()) == ([], "", (), ())
    volumes.close()
    disks.close()


def environment(cluster: ceph.CephCluster) -> Any:
    keyring = str(cluster.keyring)
    return SimpleNamespace(values={"CELERITY_CEPH_CONF": str(cluster.conf), "CELERITY_CEPH_KEYRING": keyring})
