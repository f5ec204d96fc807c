"""What images' properties ask of a server: which are refused, and what machine they make."""

import string
from collections.abc import Mapping
from fnmatch import fnmatchcase

from apps.compute.exceptions import ImageUnusable
from apps.compute.image_property_table import (
    BOOLEAN,
    NO,
    NUMBERED,
    POSITIVE,
    PROPERTIES,
    WHOLE,
    YES,
    Property,
)

CONFIG_DRIVES = {"scsi": "sdg", "sata": "sdf", "ide": "hdd"}  # on the first controller of each
MAPPING, MAPPING_SYNTAX = "block_device_mapping", "bdm_v2"


def check(properties: Mapping[str, str]) -> None:
    """Refuse properties that this cloud does not offer. Raises ImageUnusable (400) that names the property."""
    for name, value in properties.items():
        known = of(name)
        if known is not None and value not in ("", "None"):
            _check(name, value, known)
    if not properties.get("os_command_line", "").isprintable():
        raise ImageUnusable("Image property os_command_line is one line of printable characters.")
    if properties.get("os_secure_boot") == "required" and (
        is_pc(properties) or properties.get("hw_firmware_type") == "bios"
    ):
        raise ImageUnusable("Image property os_secure_boot=required needs the firmware uefi and the machine q35.")
    for name in ("hw_disk_bus", "hw_cdrom_bus"):
        if properties.get(name) == "ide" and board(properties) == "q35":
            raise ImageUnusable(f"Image property {name}=ide needs hw_machine_type=pc: the machine q35 has no IDE.")


def shown(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a server's image that its document has from 2.98 on: those that this cloud knows."""
    return {name: value for name, value in properties.items() if value is not None and of(name) is not None}


def of(name: str) -> Property | None:
    """Return the definition of a property, or None."""
    if name in PROPERTIES or not name.startswith("hw_numa_"):
        return PROPERTIES.get(name)
    return next((known for pattern, known in NUMBERED.items() if pattern.fullmatch(name)), None)


def _check(name: str, value: str, known: Property) -> None:
    shown = f"{name}={value[:64]}"
    if not _within(value, known.values):
        raise ImageUnusable(f"Image property {shown} is not valid. It can be {_listed(known.values)}.")
    if not _within(value, known.offered):
        raise ImageUnusable(
            f"Image property {shown} is not offered by this cloud ({known.effect}). "
            + (f"Offered: {_listed(known.offered)}." if known.offered else "Remove the property to boot the image.")
        )


def _within(value: str, allowed: tuple[str, ...]) -> bool:
    if allowed in (POSITIVE, WHOLE):
        return value.isdecimal() and value.isascii() and int(value[:9]) >= int(allowed[0][0])
    if allowed and set(allowed) <= set(BOOLEAN) and len(allowed) > 1:
        return value.lower() in allowed
    return any(fnmatchcase(value, pattern) for pattern in allowed)


def _listed(values: tuple[str, ...]) -> str:
    if values in (POSITIVE, WHOLE):
        return f"a whole number from {values[0][0]}"
    if values == BOOLEAN:
        return "true or false"
    return "false" if values == NO else ", ".join(values)


def truth(value: object) -> bool:
    """Return whether a property or an extra spec says yes."""
    return str(value).lower() in YES


def refuses(value: object) -> bool:
    """Return whether a property or an extra spec says no."""
    return str(value).strip().lower() in NO


def has_guest_agent(properties: Mapping[str, str]) -> bool:
    """Return whether the image's guest has an agent."""
    return truth(properties.get("hw_qemu_guest_agent", ""))


def disk_bus(properties: Mapping[str, str]) -> str:
    """Return the bus of the server's disks."""
    return properties.get("hw_disk_bus", "virtio")


def machine(properties: Mapping[str, str]) -> str:
    """Return the machine that the image asks for, perhaps of one version; "": none that is offered."""
    asked = properties.get("hw_machine_type") or ""
    return asked if _within(asked, PROPERTIES["hw_machine_type"].offered) else ""


def board(properties: Mapping[str, str]) -> str:
    """Return the board of that machine: pc, which has IDE, or q35; "": any."""
    asked = machine(properties)
    return "q35" if "q35" in asked else "pc" if asked else ""


def is_pc(properties: Mapping[str, str]) -> bool:
    """Return whether the image asks for the board that has IDE."""
    return board(properties) == "pc" or disk_bus(properties) == "ide"


def config_drive(properties: Mapping[str, str]) -> tuple[str, str]:
    """Return the bus of the config drive, a CD-ROM, and its name there, which no disk gets.

    A disk on virtio would take the name of a volume. virtio-scsi is in every cloud image's kernel, AHCI is
    not; Windows has AHCI alone. The board pc has IDE.
    """
    asked = properties.get("hw_cdrom_bus", "")
    if asked not in CONFIG_DRIVES:
        has_ahci = properties.get("os_type") == "windows" or disk_bus(properties) == "sata"
        asked = "ide" if is_pc(properties) else "sata" if has_ahci else "scsi"
    return asked, CONFIG_DRIVES[asked]


def disc_bus(properties: Mapping[str, str]) -> str:
    """Return the bus of the disc that a server of an ISO image boots from: installers know AHCI."""
    asked = properties.get("hw_cdrom_bus", "")
    return asked if asked in CONFIG_DRIVES else "ide" if is_pc(properties) else "sata"


def letters(prefix: str) -> str:
    """Return the letters of disks whose names begin with ``prefix``: the config drive's are left out."""
    return "".join(letter for letter in string.ascii_lowercase if f"{prefix}{letter}" not in CONFIG_DRIVES.values())


def rescue_device(properties: Mapping[str, str], own: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the device and the bus that an image rescues with, on a server whose image has ``own`` properties.

    None and "": the image names neither, so its disk takes the place of the root disk.
    """
    device, bus = properties.get("hw_rescue_device", ""), properties.get("hw_rescue_bus", "")
    if not device and not bus:
        return None, ""
    device = device or "disk"
    return device, bus or ("sata" if device == "cdrom" and disk_bus(own) != "ide" else disk_bus(own))


def check_rescue(properties: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Refuse a rescue that the server's machine has no place for. Raises ImageUnusable (400)."""
    device, bus = rescue_device(properties, own)
    if device == "cdrom" and bus == "virtio":
        raise ImageUnusable("Image property hw_rescue_device=cdrom needs another hw_rescue_bus than virtio.")
    if bus == "ide" and not is_pc(own):
        raise ImageUnusable("Image property hw_rescue_bus=ide needs a server of the machine pc, which has IDE.")


def disk_prefix(bus: str) -> str:
    """Return how disks on a bus are called: vd, sd or hd."""
    return {"virtio": "vd", "ide": "hd"}.get(bus, "sd")
