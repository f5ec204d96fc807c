"""A real guest whose disk becomes another volume while it writes to it, and the same copy cut short."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.drivers.test_volumes import META_DATA, disk, pool
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import DiskSpec, ExportSource, HypervisorDriver
from workers.drivers.storage.base import CachedImage, StorageDriver
from workers.drivers.volume.base import ExportSpec, FromImage, VolumeDriver, VolumeSpec

__all__ = ["pool"]
pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.usefixtures("clean_host")]

MIB = 1 << 20
# 48 MiB at the second MiB of the disk, then a counter in its first block, each time flushed.
USER_DATA = """#!/bin/sh
(dd if=/dev/urandom of=/dev/vdb bs=1M seek=1 count=48 conv=fsync 2>/dev/null
echo "SUM $(dd if=/dev/vdb bs=1M skip=1 count=48 2>/dev/null | md5sum)"
while sleep 0.02; do
    n=$((n + 1))
    echo $n | dd of=/dev/vdb bs=512 count=1 conv=fsync 2>/dev/null && echo "WROTE $n"
done) > /dev/ttyS0 2>&1 &
"""


class Guest:
    """A guest that writes to /dev/vdb."""

    def __init__(self, hypervisor: HypervisorDriver, server_id: str) -> None:
        self._hypervisor, self._id = hypervisor, server_id

    def console(self) -> str:
        return self._hypervisor.console_output(self._id, 1 << 22).decode("utf8", "replace")

    @property
    def written(self) -> int:
        return max((int(n) for n in re.findall(r"WROTE (\d+)\r?\n", self.console())), default=0)

    def writes(self) -> None:
        before = self.written
        eventually(lambda: self.written > before + 2, 60)


def fill(spec: DiskSpec) -> None:
    """Write to a volume that nobody uses: a swap leaves none of it."""
    assert isinstance(spec.export, ExportSource)
    url = f"nbd+unix:///{spec.export.name}?socket={spec.export.socket}"
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 7 100M 1M", url], check=True)


@pytest.fixture
def data(pool: VolumeDriver) -> list[VolumeSpec]:
    made = [VolumeSpec(samples.new_id(), size) for size in (1, 1, 2)]
    for volume in made:
        pool.create_volume(volume)
    return made


def test_swap(
    hypervisor: HypervisorDriver,
    storage: StorageDriver,
    pool: VolumeDriver,
    cached: CachedImage,
    data: list[VolumeSpec],
    state_directory: Path,
) -> None:
    old, given_up, new = data
    root, server_id = VolumeSpec(samples.new_id(), 1), samples.new_id()
    pool.create_volume(root, FromImage(cached.path, cached.format, cached.virtual_size))
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/user_data": USER_DATA.encode(),
    }
    config = samples.disk(storage.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True)
    before = replace(disk(pool.open_export(old.id, ExportSpec("old")), "vdb"), limits=(("total_iops_sec", 5000),))
    spec = samples.server(
        state_directory,
        id=server_id,
        disks=(disk(pool.open_export(root.id, ExportSpec("root")), "vda", 1), before, config),
        ram_mib=128,
    )
    guest = Guest(hypervisor, server_id)

    def becomes(volume: VolumeSpec) -> DiskSpec:
        made = disk(pool.open_export(volume.id, ExportSpec("new")), "vdb")
        return replace(made, serial=old.id, limits=(("read_iops_sec", 4000),))

    def limited() -> dict[str, int]:
        tune = hypervisor._connection.run(lambda it: it.lookupByUUIDString(server_id).blockIoTune("vdb"))  # type: ignore[attr-defined]
        return {name: value for name, value in tune.items() if value and isinstance(value, int)}

    def stop(done: int, total: int) -> None:
        assert hypervisor.copied() == (server_id,)
        raise InterruptedError

    try:
        hypervisor.spawn(spec)
        eventually(lambda: "SUM " in guest.console(), 120)
        guest.writes()
        with pytest.raises(InterruptedError):
            hypervisor.swap_disk(server_id, becomes(given_up), 1 << 30, stop)
        assert hypervisor.disk_source(server_id, old.id) == "old"
        assert limited() == {"total_iops_sec": 5000} and hypervisor.copied() == ()
        guest.writes()

        after, began = becomes(new), time.monotonic()
        fill(after)
        for _ in range(2):
            assert hypervisor.swap_disk(server_id, after, 2 << 30)
        print(f"swapped in {time.monotonic() - began:.2f} s, {guest.written} writes so far")
        assert hypervisor.disk_source(server_id, old.id) == "new"
        assert limited() == {"read_iops_sec": 4000}
        pool.close_export(old.id, None)
        guest.writes()

        hypervisor.stop(server_id, 0)
        assert hypervisor.disk_source(server_id, old.id) == "new"  # a machine that lost its power would know it
        last = guest.written
        pool.close_export(new.id, None)
        content = Path(pool.read_volume(new.id, "raw")).read_bytes()
        [told] = re.findall(r"SUM (\w+)", guest.console())
        assert hashlib.md5(content[MIB : 49 * MIB], usedforsecurity=False).hexdigest() == told
        assert not any(content[100 * MIB : 101 * MIB])
        assert int(content[:512].split(b"\n")[0]) >= last
    finally:
        print(guest.console()[-2000:])
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
