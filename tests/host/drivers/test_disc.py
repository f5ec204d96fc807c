"""A guest boots from a disc: the firmware starts what an ISO image's boot record names."""

from __future__ import annotations

import io
from pathlib import Path

import pycdlib
import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.storage.base import ImageSource, StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.usefixtures("clean_host")]

# 16-bit code: ds = 0; dx = the serial port; write the text behind it, byte by byte; halt for ever.
PROGRAM = bytes.fromhex("31c08ed8fcbaf803be177cac84c07403eeebf8f4ebfd") + b"\x90booted from the disc\n\0"


def disc() -> bytes:
    made, out = pycdlib.PyCdlib(), io.BytesIO()
    made.new(interchange_level=3)
    made.add_fp(io.BytesIO(PROGRAM.ljust(2048, b"\0")), 2048, "/BOOT.;1")
    made.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1", boot_load_size=4)
    made.write_fp(out)
    made.close()
    return out.getvalue()


@pytest.mark.parametrize(("target", "bus"), [("sda", "sata"), ("sda", "scsi")])
def test_boot(
    hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path, tmp_path: Path, target: str, bus: str
) -> None:
    path, server_id = tmp_path / "boot.iso", samples.new_id()
    path.write_bytes(disc())
    cached = storage.cache_image(samples.image_of(path.read_bytes(), disk_format="iso"), ImageSource(path.as_uri()))
    root = storage.create_root(server_id, cached, 0)
    spec = samples.server(
        state_directory,
        id=server_id,
        disks=(samples.disk(root, target, bus=bus, device="cdrom", readonly=True, boot_index=1),),
        ram_mib=64,
    )
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"booted from the disc" in hypervisor.console_output(server_id), 60)
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
