"""Hosts that can run what the image says it needs (glance's ``hw_architecture`` and ``img_hv_type``)."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState

_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "i386": "i686", "arm64": "aarch64"}


class ImagePropertiesFilter(Filter):
    name = "image_properties"
    reason = "without what the image asks for"

    def passes(self, host: HostState, demand: Demand) -> bool:
        return not self._missing(host, demand)

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"does not offer the image's {self._missing(host, demand)}"

    def _missing(self, host: HostState, demand: Demand) -> str:
        arch = demand.image_properties.get("hw_architecture") or demand.image_properties.get("architecture")
        if arch and _ALIASES.get(arch.lower(), arch.lower()) != host.arch:
            return f"architecture {arch}"
        kind = demand.image_properties.get("img_hv_type") or demand.image_properties.get("hypervisor_type")
        if kind and kind.lower() not in (host.hypervisor_type.lower(), host.virt_type.lower()):
            return f"hypervisor type {kind}"
        return ""
