"""A real guest and its volumes: booted from one, another one plugged in, its export killed, grown, unplugged."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import DiskSpec, ExportSource, HypervisorDriver
from workers.drivers.storage.base import CachedImage, StorageDriver
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import Export, ExportSpec, FromImage, VolumeDriver, VolumeSpec
from workers.system import processes

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.usefixtures("clean_host")]

META_DATA = b'{"uuid": "%s", "hostname": "volumes", "name": "volumes"}'
# Counts up on the disk of a volume, each time flushed, and says its size in sectors. virtio carries 20 of an id.
USER_DATA = """#!/bin/sh
(while sleep 0.5; do
    disk=$(readlink /dev/disk/by-id/virtio-%.20s) && [ -b "$disk" ] || { echo "DISK gone"; continue; }
    n=$((n + 1))
    echo $n | dd of=$disk bs=512 count=1 conv=fsync 2>/dev/null || continue
    echo "DISK $(cat /sys/class/block/${disk##*/}/size) ${disk##*/} n=$n"
done) > /dev/ttyS0 2>&1 &
"""


@pytest.fixture
def pool(state_directory: Path) -> Iterator[VolumeDriver]:
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/run") as run_dir:
        Path(run_dir).chmod(0o711)
        driver = volumes.load("local", {"state_dir": state_directory, "run_dir": run_dir, "reserved_gib": 0})
        yield driver
        for export in driver.list_exports():
            driver.close_export(export.volume_id, export.name)
        for volume in driver.list_volumes():
            driver.delete_volume(volume.id)


def disk(export: Export, target: str, boot_index: int | None = None) -> DiskSpec:
    source = ExportSource(export.socket, export.name)
    return DiskSpec(target, "", "raw", serial=export.volume_id, boot_index=boot_index, export=source)


def test_volumes(
    hypervisor: HypervisorDriver,
    storage: StorageDriver,
    pool: VolumeDriver,
    cached: CachedImage,
    state_directory: Path,
) -> None:
    root, data, server_id = VolumeSpec(samples.new_id(), 1), VolumeSpec(samples.new_id(), 1), samples.new_id()
    pool.create_volume(root, FromImage(cached.path, cached.format, cached.virtual_size))
    pool.create_volume(data)
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/user_data": (USER_DATA % data.id).encode(),
    }
    config = samples.disk(storage.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True)
    spec = samples.server(
        state_directory,
        id=server_id,
        disks=(disk(pool.open_export(root.id, ExportSpec("root")), "vda", 1), config),
        ram_mib=128,
    )

    def console() -> str:
        return hypervisor.console_output(server_id).decode("utf8", "replace")

    def counts_on(sectors: int) -> None:
        """The guest goes on writing to its disk of this size."""
        before = console().count(f"DISK {sectors} ")
        eventually(lambda: console().count(f"DISK {sectors} ") > before + 1, 60)

    try:
        hypervisor.spawn(spec)
        eventually(lambda: "DISK gone" in console(), 120)
        plugged = disk(pool.open_export(data.id, ExportSpec("data")), "vdb")
        started = time.monotonic()
        for _ in range(2):
            hypervisor.attach_disk(server_id, plugged)
        print(f"attached in {time.monotonic() - started:.2f} s")
        assert set(hypervisor.disks_of(server_id)) >= {root.id, data.id}
        counts_on(2097152)
        assert "DISK 2097152 vdb " in console()  # as the API says: the config drive takes no letter of virtio's

        # The export's process is killed: the guest is paused before it sees an error, and goes on when it is back.
        process = processes.read_pid_file(Path(plugged.export.socket).with_name("pid"))  # type: ignore[union-attr]
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: (info := hypervisor.info(server_id)) is not None and info.reason == "io_error", 30)
        pool.open_export(data.id, ExportSpec("data"))
        assert hypervisor.resume_after_io_error(server_id, 20)
        counts_on(2097152)

        # It grows under the guest, which is paused while its disk is away.
        hypervisor.pause(server_id)
        pool.extend_volume(data.id, 2)
        hypervisor.resize_disk(server_id, data.id, 2 << 30)
        hypervisor.unpause(server_id)
        counts_on(4194304)

        pool.create_snapshot(data.id, samples.new_id())
        counts_on(4194304)
        for _ in range(2):
            hypervisor.detach_disk(server_id, data.id, 30)
        assert data.id not in hypervisor.disks_of(server_id)
        pool.close_export(data.id, "data")

        hypervisor.stop(server_id, 30)
        hypervisor.attach_disk(server_id, plugged)  # its export is opened before the next start
        pool.open_export(data.id, ExportSpec("data"))
        hypervisor.start(spec)
        assert root.id in hypervisor.disks_of(server_id)
    finally:
        print(console()[-3000:])
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
