"""Hosts that offer what the flavor's extra specs ask for beside its sizes (Nova's ComputeCapabilitiesFilter)."""

import re
from collections.abc import Mapping

from apps.scheduling.filters import variables
from apps.scheduling.filters.aggregate_extra_specs import answers
from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

SCOPE = "capabilities:"
FACTS: Mapping[str, variables.Getter] = {**variables.KINDS, "cpu_info:arch": lambda host: host.arch}
KNOWN: Mapping[str, variables.Getter] = {**variables.EVERY, **FACTS}
_RESOURCE = re.compile(r"resources[a-zA-Z0-9_-]{0,64}:(?P<kind>.+)", re.DOTALL)
_NO = ("0", "f", "false", "off", "n", "no")
SIZES = ("VCPU", "MEMORY_MB", "DISK_GB")  # the flavor's own count
# Features that guests do not get here -> values that do not request them. Without it they must not be booted.
NOT_OFFERED: Mapping[str, tuple[str, ...]] = {
    "hw:pci_numa_affinity_policy": ("legacy", "preferred"),
    "accel:device_profile": (),
    "hw:pmem": (),
    "hw:ephemeral_encryption": _NO,
    "hw:firmware_stateless": _NO,
    "hw:serial_port_count": ("1",),
    "hw:usb_model": (),
    "hw:redirected_usb_ports": ("0",),
    "hw:tpm_secret_security": ("deployment",),  # the cloud keeps it, sealed, for restarts and moves
}


def of_existing(specs: Mapping[str, str]) -> Mapping[str, str]:
    """Return the extra specs that bind a server that was built: it has been without what is not offered since."""
    return {key: value for key, value in specs.items() if key not in NOT_OFFERED}


class CapabilitiesFilter(Filter):
    """``capabilities:KEY`` of a flavor, with the operators of aggregates' extra specs; a key that is not known here
    matches no host. ``resources:CLASS=N`` of other classes, and features that this cloud does not offer, match no host.
    """

    name = "capabilities"
    reason = "that do not match the flavor's extra specs"
    advice = "Choose another flavor."

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.extra_specs)

    def of_attributes(self, spec: RequestSpec) -> bool:
        return all(key.removeprefix(SCOPE) in FACTS for key in spec.extra_specs if key.startswith(SCOPE))

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return all(_offers(host, key, value) for key, value in spec.extra_specs.items())

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        missing = [_describe(host, *wanted) for wanted in spec.extra_specs.items() if not _offers(host, *wanted)]
        return f"does not offer {', '.join(missing)}"


def _offers(host: HostState, key: str, value: str) -> bool:
    if key.startswith(SCOPE):
        known = KNOWN.get(key.removeprefix(SCOPE))
        return known is not None and answers([str(known(host))], value)
    if key in NOT_OFFERED:
        return value.strip().lower() in NOT_OFFERED[key]
    match = _RESOURCE.fullmatch(key) if key.startswith("resources") else None
    return not match or match["kind"] in SIZES or not value.strip("0 ")


def _describe(host: HostState, key: str, value: str) -> str:
    known = KNOWN.get(key.removeprefix(SCOPE)) if key.startswith(SCOPE) else None
    return f"{key}={value} (there: {known(host)})" if known else f"{key}={value}"
