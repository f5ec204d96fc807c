"""Disks of domains: plugged, unplugged and grown by their serial numbers."""

from __future__ import annotations

import json
import time
from typing import Any

import libvirt
import libvirt_qemu

from workers.drivers.hypervisor.disks import DiskDriver
from workers.drivers.hypervisor.errors import AttachFailed, CopyFailed, ServerNotFound
from workers.drivers.hypervisor.libvirt import copies, domains, plugging, secrets
from workers.drivers.hypervisor.libvirt.connection import Connection
from workers.drivers.hypervisor.libvirt.definition import HostPolicy
from workers.drivers.hypervisor.libvirt.disk_elements import disk_device, opens
from workers.drivers.hypervisor.libvirt.failures import translated
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.live import CopyProgress
from workers.drivers.hypervisor.specs import DiskSpec

_POLL_S = 0.1
_SETTLE_S = 0.5  # the first requests after a pause make the new connection, and may fail
_RECONNECT_S = 10.0
_PAUSED = (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR)


class LibvirtDisks(DiskDriver):
    """The disks' part of LibvirtDriver."""

    policy: HostPolicy
    _connection: Connection
    _home: str

    def attach_disk(self, server_id: str, disk: DiskSpec) -> None:
        assert disk.serial is not None
        with translated(AttachFailed):
            domain = self._domain(server_id)
            if domain is not None:
                self._connection.run(lambda it: secrets.keep_of(it, (disk,)))
                plugging.attach(domain, disk_device(disk, self.policy.disk_cache).xml(), _by_serial(disk.serial))

    def detach_disk(self, server_id: str, serial: str, timeout_s: float) -> None:
        try:
            with translated(AttachFailed):
                domain = self._domain(server_id)
                if domain is not None:
                    plugging.detach(domain, _by_serial(serial), timeout_s, "volume")
        except ServerNotFound:
            """It went meanwhile, and its disks with it."""

    def resize_disk(self, server_id: str, serial: str, size_bytes: int) -> None:
        """QEMU learns the size of an export when it connects again, which it does for a request."""
        deadline = time.monotonic() + _RECONNECT_S
        with translated(AttachFailed):
            domain = self._domain(server_id)
            if domain is None or not domains.is_active(domain):
                return
            disk = plugging.in_guest(domain, _by_serial(serial))
            while disk is not None and not _resize(domain, disk, size_bytes, is_last=time.monotonic() > deadline):
                time.sleep(_POLL_S)
                _request(domain, disk)

    def resume_after_io_error(self, server_id: str, timeout_s: float) -> bool:
        """QEMU connects to an export again with the first request of a guest that runs: that request may fail once."""
        deadline = time.monotonic() + timeout_s
        with translated():
            domain = self._domain(server_id)
            if domain is None or not _failed(domain):
                return False
            while time.monotonic() < deadline:
                domain.resume()
                if _runs_for(domain, _SETTLE_S):
                    return True
        return False

    def disks_of(self, server_id: str) -> tuple[str, ...]:
        with translated():
            domain = self._domain(server_id)
            if domain is None:
                return ()
            elements = parse(domain.XMLDesc()).iterfind("devices/disk/serial")
            return tuple(str(element.text) for element in elements)

    def swap_disk(self, server_id: str, disk: DiskSpec, size_bytes: int, progress: CopyProgress | None = None) -> bool:
        """A block job of QEMU copies the disk; once both are the same, the guest goes on with the new one.

        QEMU (7.2) copies to a disk of the same size alone, so that of a larger one is a part.
        """
        with translated(CopyFailed):
            domain = self._domain(server_id)
            if domain is None:
                return False
            device = _disk(domain, str(disk.serial))
            if device is not None and disk.export is not None and opens(device, disk.export):
                _limit(domain, device, disk)
                return True
            if not domains.is_active(domain):
                return False
            if device is None:
                raise CopyFailed("The server does not have this disk.", details=f"{server_id}: {disk.serial}")
            self._connection.run(lambda it: secrets.keep_of(it, (disk,)))
            target = device.find("target").get("dev")
            seen = int(domain.blockInfo(target)[0])
            part = seen if seen < size_bytes else None
            copies.move(domain, target, disk_device(disk, self.policy.disk_cache, part=part).xml(), progress)
            _limit(domain, device, disk)
            return True

    def disk_source(self, server_id: str, serial: str) -> str:
        with translated():
            domain = self._domain(server_id)
            device = _disk(domain, serial) if domain is not None else None
            source = device.find("source") if device is not None else None
            return "" if source is None else str(source.get("name", ""))

    def _domain(self, server_id: str) -> libvirt.virDomain | None:
        return self._connection.run(lambda it: domains.find(it, server_id, self._home))


def _disk(domain: libvirt.virDomain, serial: str) -> Any | None:
    find = plugging.in_guest if domains.is_active(domain) else plugging.defined
    return find(domain, _by_serial(serial))


def _limit(domain: libvirt.virDomain, device: Any, disk: DiskSpec) -> None:
    """Give a disk of a guest that is on the new volume's limits: a copy leaves it the old one's."""
    limits, had = dict(disk.limits), device.find("iotune")
    if domains.is_active(domain) and (limits or had is not None):
        cleared = {str(item.tag): 0 for item in had} if had is not None else {}
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
        domain.setBlockIoTune(device.find("target").get("dev"), {**cleared, **limits}, flags)


def _failed(domain: libvirt.virDomain) -> bool:
    return tuple(domain.state()) == _PAUSED


def _runs_for(domain: libvirt.virDomain, seconds: float) -> bool:
    """Wait and return whether the guest was not paused by a failing disk meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _failed(domain):
            return False
        time.sleep(_POLL_S)
    return True


def _resize(domain: libvirt.virDomain, disk: Any, size_bytes: int, *, is_last: bool) -> bool:
    """Tell QEMU a disk's new size; False: it is not connected to the grown export yet."""
    try:
        domain.blockResize(disk.find("target").get("dev"), size_bytes, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
    except libvirt.libvirtError:
        if is_last:
            raise
        return False
    return True


def _request(domain: libvirt.virDomain, disk: Any) -> None:
    """Let QEMU read a sector of a disk, whether or not its guest runs. libvirt has no call for it."""
    alias = disk.find("alias").get("name")
    known = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-block"}', 0))["return"]
    node = next(
        (item["inserted"]["node-name"] for item in known if f"/{alias}/" in f"{item.get('qdev', '')}/"),
        None,
    )
    if node is not None:
        libvirt_qemu.qemuMonitorCommand(
            domain, f'qemu-io {node} "read 0 512"', libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
        )


def _by_serial(serial: str) -> plugging.Find:
    def find(description: Any) -> Any | None:
        return next(
            (disk for disk in description.iterfind("devices/disk") if disk.findtext("serial") == serial),
            None,
        )

    return find
