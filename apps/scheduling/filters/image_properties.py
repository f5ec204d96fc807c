"""Hosts that meet the image's properties, in Glance's current and older names."""

from collections.abc import Mapping

from oslo_utils import versionutils

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "i386": "i686", "i486": "i686", "i586": "i686", "arm64": "aarch64"}
_RUNS_TOO = {"x86_64": {"i686"}}  # what a host's guests may be beside its own kind, as libvirt tells it to Nova
# Property -> the trait of its value.
_TRAITS = {
    "hw_disk_bus": "COMPUTE_STORAGE_BUS_",
    "hw_firmware_type": "COMPUTE_FIRMWARE_",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL_",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL_",
}
_WHOLE_MACHINES = {"hvm", "hv"}  # every hypervisor here runs whole machines; "hv" is the older word


class ImagePropertiesFilter(Filter):
    """``hw_architecture``, ``img_hv_type``, ``hw_vm_mode`` and ``img_hv_requested_version`` (``>=6.0,<8``); and by
    hosts' traits the devices that ``hw_disk_bus``, ``hw_firmware_type``, ``hw_vif_model``, ``hw_video_model`` name.
    """

    name = "image_properties"
    reason = "that do not match the image's properties"
    advice = "Choose another image, or correct its properties."
    facts_only = True

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.image_properties)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return not self._missing(host, spec)

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"does not offer the image's {self._missing(host, spec)}"

    def _missing(self, host: HostState, spec: RequestSpec) -> str:
        image = spec.image_properties
        arch = image.get("hw_architecture") or image.get("architecture")
        if arch and not _runs(host.arch, _ALIASES.get(arch.lower(), arch.lower())):
            return f"architecture {arch}"
        kind = image.get("img_hv_type") or image.get("hypervisor_type")
        if kind and kind.lower() not in (host.hypervisor_type.lower(), host.virt_type.lower()):
            return f"hypervisor type {kind}"
        mode = image.get("hw_vm_mode") or image.get("vm_mode")
        if mode and mode.lower() not in _WHOLE_MACHINES:
            return f"virtual machine mode {mode}"
        wanted = image.get("img_hv_requested_version") or image.get("hypervisor_version_requires")
        if wanted and not _version_suits(host.hypervisor_version, wanted):
            return f"hypervisor version {wanted}"
        return _missing_device(host, image)


def _missing_device(host: HostState, image: Mapping[str, str]) -> str:
    for name, prefix in _TRAITS.items():
        value = image.get(name)
        if value and value != "none" and f"{prefix}{value.upper().replace('-', '_')}" not in host.traits:
            return f"{name} {value}"
    return ""


def _runs(own: str, arch: str) -> bool:
    return arch == own or arch in _RUNS_TOO.get(own, ())


def _version_suits(version: int, wanted: str) -> bool:
    """Return whether 7002000 (7.2.0) satisfies ">=6.0,<8"; no version satisfies an invalid condition."""
    try:
        return bool(versionutils.VersionPredicate(wanted).satisfied_by(versionutils.convert_version_to_str(version)))
    except ValueError:
        return False
