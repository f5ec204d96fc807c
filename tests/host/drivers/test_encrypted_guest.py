"""A real guest with encrypted volumes: booted from one; another one plugged in, grown, unplugged, plugged in again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ceph
from tests.host.drivers import test_ceph_guest, test_volumes
from tests.host.drivers.conftest import output
from tests.host.drivers.test_ceph_guest import cluster
from tests.host.drivers.test_volumes import META_DATA
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import DiskSpec, ExportSource, HypervisorDriver
from workers.drivers.hypervisor.errors import AttachFailed
from workers.drivers.storage.base import CachedImage, StorageDriver
from workers.drivers.volume import encryption
from workers.drivers.volume.base import ExportSpec, FromImage, VolumeDriver, VolumeSpec
from workers.drivers.volume.encryption import DiskKey, header_bytes
from workers.system import nbd

__all__ = ["cluster"]
local, in_ceph = test_volumes.pool, test_ceph_guest.pool
pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.usefixtures("clean_host")]
MARK = "CELERITY PLAIN TEXT"
KEY = DiskKey("5ec7e7" * 10, 256)
# Says what is on the disk whenever it comes, then writes the mark there.
USER_DATA = """#!/bin/sh
(seen=no; while sleep 0.5; do
    disk=$(readlink /dev/disk/by-id/virtio-%.20s) && [ -b "$disk" ] || { seen=no; echo "DISK gone"; continue; }
    size=$(cat /sys/class/block/${disk##*/}/size)
    [ "$seen" = "$size" ] && continue
    seen=$size
    echo "DISK $size has $(dd if=$disk bs=20 count=1 2>/dev/null | grep -c 'MARK')"
    yes 'MARK' | dd of=$disk bs=64k count=16 iflag=fullblock conv=fsync 2>/dev/null && echo "DISK written"
done) > /dev/ttyS0 2>&1 &
""".replace("MARK", MARK)


@pytest.fixture(
    params=["local", pytest.param("in_ceph", marks=pytest.mark.skipif(bool(ceph.missing()), reason="needs Ceph"))]
)
def pool(request: pytest.FixtureRequest) -> VolumeDriver:
    driver: VolumeDriver = request.getfixturevalue(request.param)
    return driver


@pytest.fixture
def forgotten(hypervisor: HypervisorDriver) -> Iterator[None]:
    yield
    for key in hypervisor.kept_keys():
        hypervisor.forget_key(key)


def made(pool: VolumeDriver, image: CachedImage | None) -> str:
    volume = VolumeSpec(samples.new_id(), 1, pool.capabilities.formats[0], header_bytes=header_bytes(KEY.key_size))
    pool.create_volume(volume)
    export = pool.open_export(volume.id, ExportSpec("made"))
    encryption.format_volume(export, KEY, 1 << 30)
    if image is not None:
        encryption.write_image(export, FromImage(image.path, image.format, image.virtual_size), KEY)
    pool.close_export(volume.id, None)
    return volume.id


def disk(pool: VolumeDriver, volume_id: str, target: str, boot_index: int | None = None) -> DiskSpec:
    it = pool.guest_disk(volume_id)
    export = None if it is not None else pool.open_export(volume_id, ExportSpec("guest"))
    source = test_ceph_guest.source_of(it) if it is not None else ExportSource(export.socket, export.name)  # type: ignore[union-attr]
    return DiskSpec(target, "", "raw", serial=volume_id, boot_index=boot_index, export=source, key=volume_id)


def kept(pool: VolumeDriver, volume_id: str) -> bytes:
    """What the pool has of the beginning of a volume."""
    export = pool.open_export(volume_id, ExportSpec("look", readonly=True))
    with nbd.Client(export.socket, export.name) as client:
        data = client.read_all(0, 8 << 20)
    pool.close_export(volume_id, None)
    return data


@pytest.mark.usefixtures("forgotten")
def test_encrypted_volumes(
    hypervisor: HypervisorDriver, storage: StorageDriver, pool: VolumeDriver, cached: CachedImage, state_directory: Path
) -> None:
    root, data, server_id = made(pool, cached), made(pool, None), samples.new_id()
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/user_data": (USER_DATA % data).encode(),
    }
    config = samples.disk(storage.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True)
    disks = (disk(pool, root, "vda", 1), config)
    spec = samples.server(state_directory, id=server_id, disks=disks, ram_mib=128)

    def console() -> str:
        return hypervisor.console_output(server_id).decode("utf8", "replace")

    try:
        hypervisor.keep_key(root, KEY.passphrase)
        hypervisor.spawn(spec)
        eventually(lambda: "DISK gone" in console(), 120)
        plugged = disk(pool, data, "vdb")
        with pytest.raises(AttachFailed):
            hypervisor.attach_disk(server_id, plugged)  # without its key
        hypervisor.keep_key(data, "0" * 64)
        with pytest.raises(AttachFailed):
            hypervisor.attach_disk(server_id, plugged)
        assert data not in hypervisor.disks_of(server_id)
        for _ in range(2):
            hypervisor.keep_key(data, KEY.passphrase)
        hypervisor.attach_disk(server_id, plugged)
        eventually(lambda: "DISK 2097152 has 0" in console() and "DISK written" in console(), 60)

        hypervisor.detach_disk(server_id, data, 30)
        eventually(lambda: console().rstrip().endswith("DISK gone"), 30)
        hypervisor.attach_disk(server_id, plugged)
        eventually(lambda: "DISK 2097152 has 1" in console(), 60)

        # It grows under the guest by just what was asked for.
        hypervisor.pause(server_id)
        pool.extend_volume(data, 2)
        hypervisor.resize_disk(server_id, data, 2 << 30)
        hypervisor.unpause(server_id)
        eventually(lambda: "DISK 4194304 has 1" in console(), 60)

        # What anybody reads of the key: libvirt's definitions, processes, the pool's files.
        words = [output("virsh", "dumpxml", "--security-info", server_id), output("ps", "-eo", "args")]
        words += [
            output("virsh", "secret-dumpxml", data),
            output("virsh", "secret-get-value", data),
        ]
        assert not any(KEY.passphrase in text for text in words)
        hypervisor.detach_disk(server_id, data, 30)
        hypervisor.stop(server_id, 0)
        pool.close_export(data, None)
        assert kept(pool, data).startswith(b"LUKS") and MARK.encode() not in kept(pool, data)
        hypervisor.start(spec)  # from its encrypted root
        eventually(lambda: console().count("DISK gone") and root in hypervisor.disks_of(server_id), 60)
        assert set(hypervisor.kept_keys()) == {root, data}
        hypervisor.forget_key(data)
        hypervisor.forget_key(data)
        assert hypervisor.kept_keys() == (root,)
    finally:
        print(console()[-3000:])
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
