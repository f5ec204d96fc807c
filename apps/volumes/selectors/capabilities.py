"""What back ends can do, and whether that is what the extra specs of a type ask for: Cinder's words and operators."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from apps.volumes.selectors import pools, volume_types

VENDOR, DRIVER_VERSION = "Open Source", "1.0"
AMOUNTS = ("total_capacity_gb", "free_capacity_gb", "allocated_capacity_gb", "provisioned_capacity_gb")
_SCOPE = "capabilities"
_TRUE = ("1", "t", "true", "on", "y", "yes")
_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.ge,  # at least, as in Cinder
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


def protocol(backend: str) -> str:
    """Return how guests reach the back end's volumes, in Cinder's words."""
    return "ceph" if pools.is_direct(backend) else "file"


def of_backend(backend: str) -> dict[str, Any]:
    """Return what a back end can do on every host; a tuple has several values, of which one has to match."""
    return {
        "volume_backend_name": backend,
        "pool_name": backend,
        "vendor_name": VENDOR,
        "driver_version": DRIVER_VERSION,
        "storage_protocol": protocol(backend),
        "QoS_support": False,  # the hypervisors keep limits
        "multiattach": (True, False),
        "thin_provisioning_support": True,
        "thick_provisioning_support": False,
        "online_extend_support": True,
        "replication_enabled": False,
    }


def wanted(extra_specs: Mapping[str, Any]) -> dict[str, str]:
    """Return the capabilities that the extra specs ask for. Those of another scope say something else, as in Cinder."""
    asked = {}
    for key, value in extra_specs.items():
        scope, _, name = key.rpartition(":")
        if scope in ("", _SCOPE) and key != volume_types.ZONES:
            asked[name] = str(value)
    return asked


def unmet(extra_specs: Mapping[str, Any], *, backend: str) -> list[str]:
    """Return what the extra specs ask for that the back end has on no host, as texts."""
    offered = of_backend(backend)
    return [
        f"{name} {value}"
        for name, value in wanted(extra_specs).items()
        if name not in AMOUNTS and not (name in offered and matches(offered[name], value))
    ]


def unmet_amounts(extra_specs: Mapping[str, Any], amounts: Mapping[str, int]) -> list[str]:
    """Return what the extra specs ask of the sizes of a host's back end that it does not have, as texts."""
    asked = {name: value for name, value in wanted(extra_specs).items() if name in AMOUNTS}
    return [f"{name} {value}" for name, value in asked.items() if not matches(amounts[name], value)]


def matches(offered: Any, wanted_text: str) -> bool:
    """Return whether a capability is what an extra spec says: a value, or an operator with one."""
    if isinstance(offered, tuple):
        return any(matches(value, wanted_text) for value in offered)
    words = wanted_text.split() or [""]
    if words[0] == "<or>":
        return str(offered) in [word for word in words if word != "<or>"]
    if words[0] == "<is>":
        return len(words) > 1 and _is_true(offered) == _is_true(words[1])
    if words[0] in _TEXTS:
        return len(words) > 1 and _TEXTS[words[0]](str(offered), words[1])
    if words[0] in _NUMBERS:
        return _compared(_NUMBERS[words[0]], offered, words[1:])
    if isinstance(offered, bool):
        return wanted_text.strip().lower() == str(offered).lower()
    return str(offered) == wanted_text


def _compared(compare: Callable[[Any, Any], bool], offered: Any, words: list[str]) -> bool:
    try:
        return compare(float(offered), float(words[0]))
    except (ValueError, TypeError, IndexError):
        return False


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in _TRUE
