"""A guest boots from a disc: the firmware starts what an ISO image's boot record names."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from threading import Event
from typing import Any, cast

import libvirt
import pycdlib
import pytest

from deploy.private.libvirt import PrivateLibvirt
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.hypervisor.libvirt import migration
from workers.drivers.storage import loader as storages
from workers.drivers.storage import local_arrivals
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


class Neighbour:
    """Answers of the source's agent, without a network."""

    def __init__(self, storage: StorageDriver) -> None:
        self._storage = storage

    def read(self, _peer: Any, server_id: str, text: str, _limit: int = 0) -> bytes:
        if text == "layout":
            return self._storage.describe_disks(server_id)
        return self._storage.handed_file(server_id, text.split()[1]).read_bytes()

    def fetch(self, _peer: Any, server_id: str, text: str, path: Path, _stop: Event) -> bool:
        path.write_bytes(self.read(None, server_id, text))
        return True


@pytest.mark.heavy  # 15 seconds, and two more daemons
def test_it_moves_while_it_runs(tmp_path: Path, state_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a host that has the disc from the source alone. Reset there, the guest boots from it again."""
    path, server_id = tmp_path / "boot.iso", samples.new_id()
    path.write_bytes(disc())
    homes = [state_directory / name for name in ("here", "there")]
    for home in homes:
        home.mkdir(mode=0o755)
    state_directory.chmod(0o777)  # QEMU makes the socket of the migration
    here, there = (storages.load("local", {"state_dir": home}) for home in homes)
    with PrivateLibvirt(state_directory / "l1") as first, PrivateLibvirt(state_directory / "l2") as second:
        source, target = (
            hypervisors.load("libvirt", {"state_dir": home, "uri": private.uri})
            for home, private in zip(homes, (first, second), strict=True)
        )
        try:
            cached = here.cache_image(
                samples.image_of(path.read_bytes(), disk_format="iso"), ImageSource(path.as_uri())
            )
            root = here.create_root(server_id, cached, 0)
            disk = samples.disk(root, "sda", bus="sata", device="cdrom", readonly=True, boot_index=1)
            source.spawn(samples.server(homes[0], id=server_id, disks=(disk,), ram_mib=64))
            eventually(lambda: b"booted" in source.console_output(server_id), 60)
            monkeypatch.setattr(local_arrivals, "client", Neighbour(here))
            there.prepare_disks(server_id, cast(Any, None), Event())

            domain = libvirt.open(first.uri).lookupByUUIDString(server_id)
            live, arrival = libvirt.VIR_DOMAIN_XML_MIGRATABLE, migration.Arrival(str(homes[0]), str(homes[1]))
            parameters = {
                libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{state_directory / 'memory'}",
                libvirt.VIR_MIGRATE_PARAM_DEST_XML: migration.moved_xml(domain.XMLDesc(live), arrival),
            }
            domain.migrateToURI3(second.uri, parameters, migration._FLAGS)
            arrived = libvirt.open(second.uri).lookupByUUIDString(server_id)
            migration.wake(arrived)
            shutil.rmtree(homes[0] / "images")
            arrived.reset(0)
            eventually(lambda: b"booted" in target.console_output(server_id), 60)
        finally:
            for driver, storage in ((source, here), (target, there)):
                driver.destroy(server_id)
                storage.remove_server(server_id)
                driver.close()
    for path in state_directory.iterdir():  # before what is left on the host is looked at
        shutil.rmtree(path) if path.is_dir() else path.unlink()
