"""A real guest on volumes of a real Ceph cluster: boots from one, has another that grows, is snapshotted, reverted."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests import ceph
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import ClusterSource, DiskSpec, HypervisorDriver
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import CachedImage, ImageSource, StorageDriver
from workers.drivers.storage.ceph.driver import CephStorage
from workers.drivers.storage.inspection import inspect
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromImage, VolumeDriver, VolumeSpec
from workers.system import nbd
from workers.system.ceph.access import ClusterImage

pytestmark = [
    pytest.mark.libvirt,
    pytest.mark.slow,
    pytest.mark.usefixtures("clean_host"),
    pytest.mark.skipif(bool(ceph.missing()), reason="needs Ceph"),
]

META_DATA = b'{"uuid": "%s", "hostname": "ceph", "name": "ceph"}'
USER_DATA = """#!/bin/sh
(while sleep 0.5; do
    disk=$(readlink /dev/disk/by-id/virtio-%.20s) && [ -b "$disk" ] || { echo "DISK gone"; continue; }
    n=$((n + 1))
    echo "n=$n" | dd of=$disk bs=512 count=1 conv=fsync 2>/dev/null || continue
    echo "DISK $(cat /sys/class/block/${disk##*/}/size) n=$n"
done) > /dev/ttyS0 2>&1 &
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running("/run") as cluster:
        yield cluster


@pytest.fixture
def pool(cluster: ceph.CephCluster, state_directory: Path) -> Iterator[VolumeDriver]:
    options = {"state_dir": state_directory, "run_dir": cluster.root / "run", "reserved_gib": 0}
    driver = volumes.load("ceph", {**options, **cluster.options})
    yield driver
    driver.close()  # type: ignore[attr-defined]


@pytest.fixture
def disks(cluster: ceph.CephCluster, state_directory: Path, tmp_path: Path) -> Iterator[list[CephStorage]]:
    """The storage of two hosts."""
    made = []
    for name, place in (("one", state_directory), ("two", tmp_path)):
        options = {"state_dir": place, "run_dir": cluster.root / "run", "reserved_gib": 0, "host": name}
        driver = storages.load("ceph", {**options, **cluster.options})
        assert isinstance(driver, CephStorage)
        made.append(driver)
    yield made
    for driver in made:
        driver.close()


def disk(pool: VolumeDriver, volume_id: str, target: str, boot_index: int | None = None) -> DiskSpec:
    it = pool.guest_disk(volume_id)
    assert it is not None
    return DiskSpec(target, "", "raw", serial=volume_id, boot_index=boot_index, export=source_of(it))


def content(pool: VolumeDriver, volume_id: str) -> int:
    """What the guest wrote last, as the volume has it."""
    export = pool.open_export(volume_id, ExportSpec("look", readonly=True))
    with nbd.Client(export.socket, export.name) as client:
        data = client.read_all(0, 512)
    pool.close_export(volume_id, None)
    match = re.match(rb"n=(\d+)", data)
    return int(match[1]) if match else 0


@pytest.mark.heavy  # half a minute of a guest
def test_a_guest_in_ceph(
    hypervisor: HypervisorDriver,
    storage: StorageDriver,
    pool: VolumeDriver,
    cached: CachedImage,
    state_directory: Path,
) -> None:
    root, data, server_id = VolumeSpec(samples.new_id(), 1), VolumeSpec(samples.new_id(), 1), samples.new_id()
    started = time.monotonic()
    pool.create_volume(root, FromImage(cached.path, cached.format, cached.virtual_size))
    print(f"image copied in {time.monotonic() - started:.2f} s")
    pool.create_volume(data)
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/user_data": (USER_DATA % data.id).encode(),
    }
    config = samples.disk(storage.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True)
    boot = disk(pool, root.id, "vda", 1)
    spec = samples.server(state_directory, id=server_id, disks=(boot, config), ram_mib=128)

    def console() -> str:
        return hypervisor.console_output(server_id).decode("utf8", "replace")

    def counts_on(sectors: int) -> None:
        before = console().count(f"DISK {sectors} ")
        eventually(lambda: console().count(f"DISK {sectors} ") > before + 1, 60)

    try:
        hypervisor.spawn(spec)
        eventually(lambda: "DISK gone" in console(), 120)
        plugged = disk(pool, data.id, "vdb")
        for _ in range(2):
            hypervisor.attach_disk(server_id, plugged)
        counts_on(2097152)
        pool.create_snapshot(data.id, snapshot := samples.new_id())  # while the guest writes
        pool.extend_volume(data.id, 2)
        hypervisor.resize_disk(server_id, data.id, 2 << 30)
        counts_on(4194304)
        hypervisor.detach_disk(server_id, data.id, 30)
        assert data.id not in hypervisor.disks_of(server_id)

        written = content(pool, data.id)
        pool.revert_volume(data.id, snapshot)
        assert 0 < content(pool, data.id) < written

        # Its host counts as dead: what the guest has open it may not write to any more, and it is paused.
        hypervisor.attach_disk(server_id, plugged)
        counts_on(2097152)
        pool.fence(data.id)
        eventually(lambda: (info := hypervisor.info(server_id)) is not None and info.reason == "io_error", 60)
    finally:
        print(console()[-3000:])
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
        forget_key(boot)


def forget_key(disk: DiskSpec) -> None:
    connection = libvirt.open(os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system"))
    connection.secretLookupByUUIDString(disk.export.secret).undefine()  # type: ignore[union-attr]
    connection.close()


@pytest.mark.heavy  # half a minute of a guest
def test_a_guest_whose_disks_are_in_ceph(
    hypervisor: HypervisorDriver, disks: list[CephStorage], guest_image: Path, state_directory: Path
) -> None:
    """It boots from a clone, writes, is copied while it runs; then another host takes its disks: it writes no more,
    and what it wrote is there.
    """
    (here, other), server_id = disks, samples.new_id()
    image, source = samples.image_of(guest_image.read_bytes()), ImageSource(guest_image.as_uri())
    root = here.create_root(server_id, here.cache_image(image, source), 1)
    extra, serial = here.create_ephemeral(server_id, 0, 1), samples.new_id()
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/user_data": (USER_DATA % serial).encode(),
    }
    config = samples.disk(here.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True)
    boot = DiskSpec("vda", "", "raw", boot_index=1, export=source_of(here.guest_disk(root)))
    data = DiskSpec("vdb", "", "raw", serial=serial, export=source_of(here.guest_disk(extra)))
    spec = samples.server(state_directory, id=server_id, disks=(boot, data, config), ram_mib=128)

    def console() -> str:
        return hypervisor.console_output(server_id).decode("utf8", "replace")

    def written() -> int:
        return max((int(number) for number in re.findall(r"DISK 2097152 n=(\d+)", console())), default=0)

    try:
        hypervisor.spawn(spec)
        eventually(lambda: written() > 2, 120)
        copy = here.prepare_snapshot(server_id)
        hypervisor.while_quiet(server_id, "never", lambda: here.mark_root(server_id))
        assert here.snapshot_root(server_id) == copy
        assert inspect(Path(copy.path), "qcow2") == 1 << 30
        assert Path(copy.path).stat().st_blocks * 512 < 200 << 20  # holes stay holes
        here.remove_snapshot(server_id)
        hypervisor.hard_reboot(spec)
        eventually(lambda: written() > 2, 120)
        before = written()

        assert other.take_disks(server_id)
        eventually(lambda: (info := hypervisor.info(server_id)) is not None and info.reason == "io_error", 60)
        target = state_directory / "taken"
        url = other.pool.url(extra.path.partition("/")[2])
        subprocess.run(["qemu-img", "dd", "-f", "raw", "-O", "raw", "bs=512", "count=1", f"if={url}", f"of={target}"],
                       check=True)  # fmt: skip
        match = re.match(rb"n=(\d+)", target.read_bytes())
        target.unlink()
        assert match is not None
        assert int(match[1]) >= before
    finally:
        print(console()[-3000:])
        hypervisor.destroy(server_id)
        here.remove_server(server_id)
        other.remove_server(server_id)
        here.delete_disks(server_id)
        forget_key(boot)
    assert here.list_disks() == ()


def source_of(it: ClusterImage) -> ClusterSource:
    return ClusterSource(it.pool, it.image, it.monitors, it.user, it.secret, it.key)
