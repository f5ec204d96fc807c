"""Which flavor extra specs are known: from microversion 2.86 on, values of known ones are checked.

The names and values are Nova's (https://docs.openstack.org/nova/latest/configuration/extra-specs.html). Names in other
namespaces are the users' own and are not checked.
"""

import re

_BOOLEAN = r"(?i:1|t|true|on|y|yes|0|f|false|off|n|no)"
_WHOLE = r"[+-]?\d+"
_COUNT = r"\d+"
_POSITIVE = r"0*[1-9]\d*"
_CPUS = r"\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*"  # no nested repetition: a value must not cost more than its length
_ANY = r"[\s\S]*"

# pattern of the name -> pattern of the value
_HW = {
    "cpu_realtime|hide_hypervisor_id|boot_menu|mem_encryption|pmu|vif_multiqueue_enabled|locked_memory": _BOOLEAN,
    "virtio_packed_ring|ephemeral_encryption": _BOOLEAN,
    "cpu_realtime_mask|cpu_dedicated_mask": _CPUS,
    "cpu_policy": "dedicated|shared|mixed",
    "cpu_thread_policy": "prefer|isolate|require",
    "emulator_threads_policy": "isolate|share",
    "mem_page_size": r"large|small|any|\d+([kKMGT]i?)?(b|bit|B)?",
    "numa_nodes|(max_)?cpu_(sockets|cores|threads)": _POSITIVE,
    r"numa_cpus\.\d+": _CPUS,
    r"numa_mem\.\d+": _POSITIVE,
    "pci_numa_affinity_policy": "required|preferred|legacy|socket",
    "pmem": "[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*",
    "serial_port_count": _COUNT,
    "tpm_model": "tpm-tis|tpm-crb",
    "tpm_version": r"1\.2|2\.0",
    "tpm_secret_security": "user|host|deployment",
    "watchdog_action": "none|pause|poweroff|reset|disabled",
    "viommu_model": "intel|smmuv3|virtio|auto",
    "sound_model": "sb16|es1370|pcspk|ac97|ich6|ich9|usb|virtio",
    "usb_model": "ehci|piix3-uhci|piix4-uhci|ich9-(ehci1|uhci[123])|pci-ohci|nec-xhci|qemu-xhci",
    "redirected_usb_ports": _COUNT,
    "maxphysaddr_mode": "passthrough|emulate",
    "maxphysaddr_bits": _COUNT,
    "ephemeral_encryption_format": "luks|plain",
    "firmware_stateless": _BOOLEAN,
}
_QUOTA = {
    "(cpu|memory|disk_io|vif)_(limit|reservation|shares_share)": _WHOLE,
    "(cpu|memory|disk_io|vif)_shares_level": _ANY,
    "cpu_(shares|period|quota)": _COUNT,
    "disk_(read|write|total)_(bytes|iops)_sec": _COUNT,
    "vif_(inbound|outbound)_(average|peak|burst)": _COUNT,
}
_NAMESPACES: dict[str, dict[str, str]] = {
    "hw": _HW,
    "quota": _QUOTA,
    "hw_rng": {"allowed": _BOOLEAN, "rate_bytes|rate_period": _COUNT},
    "hw_video": {"ram_max_mb": _COUNT},
    "os": {"secure_boot": "required|disabled|optional", "monitors": "[1-8]"},
    "celerity": {"restart_elsewhere": r"never|100|[1-9]?\d"},  # ours: docs/moves.md
    "accel": {"device_profile": _ANY},
    "pci_passthrough": {"alias": r"[^:,]+:\d+(,[^:,]+:\d+)*"},
    "vmware": {"hw_version|storage_policy|tpm_enabled": _ANY},
    "aggregate_instance_extra_specs": {"[^:]+(:[^:]+)*": _ANY},
    "capabilities": {"[^:]+(:[^:]+)*": _ANY},
    r"resources([a-zA-Z0-9_-]{1,64})?": {"[A-Z0-9_]+": _COUNT},
    r"trait([a-zA-Z0-9_-]{1,64})?": {"[A-Z0-9_]+": "required|forbidden"},
}
_NAMED = {"group_policy": "isolate|none"}


def problem(name: str, value: str) -> str | None:
    """Return the fault of an extra spec, or None: unknown in a known namespace, or an invalid value."""
    if name in _NAMED:
        return None if re.fullmatch(_NAMED[name], value) else _bad_value(name, value)
    namespace, colon, rest = name.partition(":")
    if not colon:
        return None
    for pattern, known in _NAMESPACES.items():
        if re.fullmatch(pattern, namespace):
            return _problem_within(known, name, rest, value)
    return None


def _problem_within(known: dict[str, str], name: str, rest: str, value: str) -> str | None:
    for pattern, values in known.items():
        if re.fullmatch(pattern, rest):
            return None if re.fullmatch(values, value) else _bad_value(name, value)
    return f"Validation failed; extra spec '{name}' does not appear to be a valid extra spec."


def _bad_value(name: str, value: str) -> str:
    return f"Validation failed; '{value[:64]}' is not a valid value of extra spec '{name}'."
