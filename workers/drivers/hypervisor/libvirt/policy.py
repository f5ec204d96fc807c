"""A host's policy for its guests, made of the driver's options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.drivers.errors import SpecInvalid
from workers.drivers.hypervisor.libvirt import host
from workers.drivers.hypervisor.libvirt.definition import EMULATED_FEATURES, HostPolicy, completed

_POLICY_OPTIONS = (
    "machine", "cpu_mode", "cpu_model", "cpu_features", "disk_cache", "tcg_cache_mib", "arch", "dedicated_cpus",
    "shared_cpus",
    "pci_devices",
)  # fmt: skip


def policy_from(options: Mapping[str, Any]) -> HostPolicy:
    """The host's policy: `options`, and defaults for the kind of virtualisation."""
    virt_type = options.get("virt_type", "auto")
    if virt_type not in ("auto", "kvm", "qemu"):
        raise SpecInvalid(f"virt_type is auto, kvm or qemu, not {virt_type!r}")
    if virt_type == "auto":
        virt_type = host.decide_virt_type()
    chosen = {name: options[name] for name in _POLICY_OPTIONS if options.get(name) is not None}
    has_own = bool({"cpu_mode", "cpu_model"} & chosen.keys()) or virt_type == "kvm"
    chosen["cpu_features"] = _features(tuple(chosen.get("cpu_features", ())), () if has_own else EMULATED_FEATURES)
    default = "custom" if virt_type == "qemu" or "cpu_model" in chosen else "host-model"
    chosen.setdefault("cpu_mode", default)
    return HostPolicy(home=str(Path(options["state_dir"])), virt_type=virt_type, **chosen)


def _features(asked: tuple[str, ...], usual: tuple[str, ...]) -> tuple[str, ...]:
    """The usual ones go with the usual model, but for those that are taken away."""
    kept = [name for name in usual if f"-{name}" not in asked and name.removeprefix("-") not in asked]
    return completed((*kept, *(name for name in asked if name not in kept)))
