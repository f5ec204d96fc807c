"""Hosts with the traits that flavor and image require, and without those that the flavor forbids."""

import re
from collections.abc import Mapping

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

_TRAIT = re.compile(r"trait[a-zA-Z0-9_-]{0,64}:(?P<name>[A-Z0-9_]+)")
DEDICATED_CPUS, LARGE_PAGES = "CUSTOM_DEDICATED_CPUS", "CUSTOM_LARGE_PAGES"
REALTIME_CPUS, LOCKED_MEMORY = "CUSTOM_REALTIME_CPUS", "CUSTOM_LOCKED_MEMORY"
_YES = ("1", "t", "true", "on", "y", "yes")


class TraitsFilter(Filter):
    """``trait:NAME=required`` of a flavor or an image, ``trait:NAME=forbidden`` of a flavor, as in Placement.

    Features that a guest needs require traits, as in Nova: memory encryption, a TPM, secure boot, packed rings, a
    virtual IOMMU, an address size. Limits of processors require CUSTOM_CPU_LIMITS, dedicated ones
    CUSTOM_DEDICATED_CPUS, large pages of memory CUSTOM_LARGE_PAGES, processors that nothing interrupts
    CUSTOM_REALTIME_CPUS, memory that is never swapped CUSTOM_LOCKED_MEMORY.
    """

    name = "traits"
    reason = "without the features that the flavor or image requires"
    advice = "Choose another flavor or image."
    facts_only = True

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.extra_specs or spec.image_properties)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        required, forbidden = requested(spec)
        return required <= host.traits and not forbidden & host.traits

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        required, forbidden = requested(spec)
        missing, unwanted = sorted(required - host.traits), sorted(forbidden & host.traits)
        reasons = [f"lacks {', '.join(missing)}"] if missing else []
        return " and ".join([*reasons, f"has {', '.join(unwanted)}"] if unwanted else reasons)

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        required, forbidden = requested(spec)
        return float(len(required - host.traits) + len(forbidden & host.traits)) + 1


def requested(spec: RequestSpec) -> tuple[set[str], set[str]]:
    """Return the traits a host must have, and those it must not have."""
    required, forbidden = set(), set()
    for name, value in spec.extra_specs.items():
        if name.startswith("trait") and (match := _TRAIT.fullmatch(name)):
            if value == "required":
                required.add(match["name"])
            elif value == "forbidden":
                forbidden.add(match["name"])
    for name, value in spec.image_properties.items():
        if name.startswith("trait") and value == "required" and (match := _TRAIT.fullmatch(name)):
            required.add(match["name"])
    return required | _features(spec.extra_specs, spec.image_properties), forbidden


def _features(specs: Mapping[str, str], image: Mapping[str, str]) -> set[str]:
    """Return the traits behind ``hw:…`` and ``os:…`` extra specs and the image properties of the same meaning."""

    def value_of(scope: str, name: str) -> str:
        return str(specs.get(f"{scope}:{name}") or image.get(f"{scope}_{name}") or "").lower()

    limited = any(specs.get(f"quota:cpu_{name}") for name in ("shares", "quota", "period"))
    traits = {"CUSTOM_CPU_LIMITS"} if limited else set()
    if not any(key.startswith(("hw", "os")) for key in (*specs, *image)):
        return traits
    traits |= _of_topology(value_of("hw", "cpu_policy"), value_of("hw", "mem_page_size"))
    traits |= _of_promises(value_of("hw", "cpu_realtime") in _YES, value_of("hw", "locked_memory") in _YES)
    traits |= {f"COMPUTE_SOUND_MODEL_{model.upper()}" for model in (value_of("hw", "sound_model"),) if model}
    if value_of("hw", "mem_encryption") in _YES:
        traits.add("HW_CPU_X86_AMD_SEV")
    if value_of("hw", "tpm_version") in ("1.2", "2.0"):
        traits.add(f"COMPUTE_SECURITY_TPM_{value_of('hw', 'tpm_version').replace('.', '_')}")
        if value_of("hw", "tpm_model") == "tpm-crb":
            traits.add("COMPUTE_SECURITY_TPM_CRB")
    if value_of("os", "secure_boot") == "required":
        traits.add("COMPUTE_SECURITY_UEFI_SECURE_BOOT")
    if value_of("hw", "virtio_packed_ring") in _YES:
        traits.add("COMPUTE_NET_VIRTIO_PACKED")
    if value_of("hw", "viommu_model") in ("intel", "smmuv3", "virtio", "auto"):
        traits.add(f"COMPUTE_VIOMMU_MODEL_{value_of('hw', 'viommu_model').upper()}")
    modes = {"passthrough": "PASSTHROUGH", "emulate": "EMULATED"}
    if value_of("hw", "maxphysaddr_mode") in modes:
        traits.add(f"COMPUTE_ADDRESS_SPACE_{modes[value_of('hw', 'maxphysaddr_mode')]}")
    return traits


def _of_topology(policy: str, page: str) -> set[str]:
    traits = {DEDICATED_CPUS} if policy in ("dedicated", "mixed") else set()
    return traits | (set() if page in ("", "small", "any", "4") else {LARGE_PAGES})


def _of_promises(realtime: bool, locked: bool) -> set[str]:
    """A guest with realtime processors has locked memory, too."""
    return ({REALTIME_CPUS} if realtime else set()) | ({LOCKED_MEMORY} if realtime or locked else set())
