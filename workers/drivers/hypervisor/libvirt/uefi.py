"""Variables of guests' UEFI firmware (boot entries, enrolled keys): libvirt has the file, a copy is beside the disks.

The copy goes with the disks to another host. It is used where libvirt has no file of the domain: there is none before
the first start, and none after libvirt has forgotten the domain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import libvirt

from workers.drivers.hypervisor.libvirt.host import parse
from workers.system import files

COPY = "nvram"  # in the server's directory
_VARIABLES = Path("/var/lib/libvirt/qemu/nvram")  # libvirt's own choice
_FIRMWARE = Path("/usr/share/qemu/firmware")  # what libvirt chooses from (docs/interop/firmware.json of QEMU)
_MOST_BYTES = 4 << 20


def keep(domain: libvirt.virDomain, instance_dir: Path, variables: Path = _VARIABLES) -> None:
    """Copy the variables beside the disks of a server that is off. Nothing for one without UEFI.

    An agent that is not root cannot read them: on its next host the server gets new ones.
    """
    path = _place(domain, variables)
    with suppress(PermissionError):
        data = files.read(path) if path is not None else None
        if data and len(data) <= _MOST_BYTES and instance_dir.is_dir():
            files.write(instance_dir / COPY, data, 0o600)


def bring(
    domain: libvirt.virDomain, instance_dir: Path, variables: Path = _VARIABLES, firmware: Path = _FIRMWARE
) -> None:
    """Give a domain that is defined, and off, the copy. Not one of a size that no firmware of this host has: QEMU would
    not start.
    """
    path = _place(domain, variables)
    with suppress(PermissionError):
        data = files.read(instance_dir / COPY) if path is not None else None
        if path is None or not data or path.exists() or len(data) not in _sizes(firmware):
            return
        files.write(path, data, 0o600)  # libvirt gives it to QEMU's account


def _place(domain: libvirt.virDomain, variables: Path) -> Path | None:
    """Return where libvirt has the variables, or will: a definition that was never started does not say it."""
    root = parse(domain.XMLDesc())
    path = root.findtext("os/nvram")
    if path:
        return Path(path)
    return variables / f"{domain.name()}_VARS.fd" if root.find("os[@firmware='efi']") is not None else None


def _sizes(firmware: Path) -> Iterator[int]:
    """Yield how many bytes of variables the host's firmwares have."""
    for path in sorted(firmware.glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield Path(json.loads(path.read_bytes())["mapping"]["nvram-template"]["filename"]).stat().st_size
