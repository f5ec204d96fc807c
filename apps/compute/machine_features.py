"""What flavor and image ask of a server's machine beside its devices: packed rings, an IOMMU, the size of addresses,
the graphics card's memory. The names, what wins, and the sentences of refusals are Nova's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.compute import image_properties
from apps.compute.exceptions import HardwareInvalid

_MODES = ("passthrough", "emulate")
_BITS = range(32, 65)


@dataclass(frozen=True, slots=True)
class MachineFeatures:
    """``iommu`` is its model, ``address`` the mode and, for emulate, how wide; ``video_mib`` of the card's memory."""

    packed_rings: bool = False
    iommu: str = ""
    address: tuple[str, int] | None = None
    video_mib: int = 0


def of(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> MachineFeatures:
    """Raises HardwareInvalid (400) for what cannot be."""
    iommu = _iommu(specs, properties)
    if iommu and image_properties.is_pc(properties):
        raise HardwareInvalid("vIOMMU is not supported by Current machine type pc (Architecture: x86_64).")
    return MachineFeatures(
        packed_rings=image_properties.truth(_value("virtio_packed_ring", specs, properties)),
        iommu=iommu,
        address=_address(specs, properties),
        video_mib=_video(specs, properties),
    )


def of_existing(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> MachineFeatures:
    """Return the same of a server that there is: what is refused today was built without it."""
    try:
        return of(specs, properties)
    except HardwareInvalid:
        return MachineFeatures()


def _value(name: str, specs: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    return str(specs.get(f"hw:{name}") or properties.get(f"hw_{name}") or "").lower()


def _iommu(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    asked = _value("viommu_model", specs, properties)
    return {"auto": "virtio"}.get(asked, asked if asked in ("intel", "virtio") else "")


def _address(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[str, int] | None:
    mode = _value("maxphysaddr_mode", specs, properties)
    if mode not in _MODES:
        return None
    bits = _number(_value("maxphysaddr_bits", specs, properties)) if mode == "emulate" else 0
    if mode == "emulate" and bits not in _BITS:
        raise HardwareInvalid("maxphysaddr_mode emulate needs maxphysaddr_bits, from 32 to 64.")
    return mode, bits


def _video(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> int:
    asked, most = _number(properties.get("hw_video_ram")), _number(specs.get("hw_video:ram_max_mb"))
    if asked > most:
        raise HardwareInvalid(
            f"The requested amount of video memory {asked} is higher than the maximum allowed by flavor {most}."
        )
    return asked


def _number(value: Any) -> int:
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
