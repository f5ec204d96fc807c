"""Variables of guests' UEFI firmware (boot entries, enrolled keys): libvirt has the file, a copy is beside the disks.

The copy goes with the disks to another host, and ends with the root disk of a rebuild. It is used where libvirt has no
file of the domain: there is none before the first start, and none after libvirt has forgotten the domain. Its name says
whether it was made with the maker's keys: without them, a guest that asks for signatures would start unsigned systems.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import libvirt

from workers.drivers.hypervisor.libvirt.failures import is_absent
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.specs import ServerSpec
from workers.system import files

COPY, COPY_WITH_KEYS = "nvram", "nvram-secure"  # in the server's directory
_VARIABLES = Path("/var/lib/libvirt/qemu/nvram")  # libvirt's own choice
_FIRMWARE = Path("/usr/share/qemu/firmware")  # what libvirt chooses from (docs/interop/firmware.json of QEMU)
_MOST_BYTES = 4 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variables:
    """Where libvirt has a domain's variables, and whether their template has the maker's keys (Secure Boot)."""

    path: Path
    with_keys: bool

    @property
    def copy(self) -> str:
        """The name of their copy in the server's directory."""
        return COPY_WITH_KEYS if self.with_keys else COPY


def find(domain: libvirt.virDomain, variables: Path = _VARIABLES) -> Variables | None:
    """Return where libvirt has the variables, or will: a definition that was never started does not say it.

    None without UEFI, and for a domain that has gone: a transient one is asked before its power-off.
    """
    try:
        root = parse(domain.XMLDesc())
    except libvirt.libvirtError as error:
        if is_absent(error):
            return None
        raise
    path = root.findtext("os/nvram")
    if not path and root.find("os[@firmware='efi']") is None:
        return None
    with_keys = root.find("os/loader[@secure='yes']") is not None
    return Variables(Path(path) if path else variables / f"{domain.name()}_VARS.fd", with_keys)


def has_other_keys(domain: libvirt.virDomain, spec: ServerSpec) -> bool:
    """Say whether the domain's variables were made of another template than those that the server is to have."""
    place = find(domain)
    return place is not None and place.with_keys != spec.hardware.secure_boot


def keep(place: Variables | None, instance_dir: Path) -> None:
    """Copy the variables beside the disks of a server that is off.

    An agent that is not root cannot read them: on its next host the server gets new ones. The same where the copy
    cannot be written, and an older copy goes: it may lack keys that were revoked since.
    """
    if place is None:
        return
    try:
        data = files.read(place.path)
        if data and len(data) <= _MOST_BYTES and instance_dir.is_dir():
            files.write(instance_dir / place.copy, data, 0o600)
    except PermissionError:
        return
    except OSError as error:
        _log.warning("%s: the variables of its firmware are not kept: %s", instance_dir.name, error)
        with suppress(OSError):
            (instance_dir / place.copy).unlink(missing_ok=True)


def bring(
    domain: libvirt.virDomain, instance_dir: Path, variables: Path = _VARIABLES, firmware: Path = _FIRMWARE
) -> None:
    """Give a domain that is defined, and off, the copy that was made of the same template, if there is one. Not one of
    a size that no firmware of this host has: QEMU would not start.
    """
    place = find(domain, variables)
    with suppress(PermissionError):
        data = files.read(instance_dir / place.copy) if place is not None else None
        if place is None or not data or place.path.exists() or len(data) not in _sizes(firmware):
            return
        files.write(place.path, data, 0o600)  # libvirt gives it to QEMU's account


def _sizes(firmware: Path) -> Iterator[int]:
    """Yield how many bytes of variables the host's firmwares have."""
    for path in sorted(firmware.glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield Path(json.loads(path.read_bytes())["mapping"]["nvram-template"]["filename"]).stat().st_size
