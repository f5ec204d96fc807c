"""Sockets, cores and threads of a server's processors: what flavor and image prefer, within the limits that they set.

The names, what wins, and the sentences of refusals are Nova's (nova/virt/hardware.py).
"""

import math
from collections.abc import Mapping
from typing import Any

from apps.compute.exceptions import HardwareInvalid

Topology = tuple[int, int, int]
PARTS = ("sockets", "cores", "threads")
_NO_LIMIT = 65536


def of(specs: Mapping[str, Any], properties: Mapping[str, Any], vcpus: int) -> Topology | None:
    """Return (sockets, cores, threads); None: nothing is asked for, or what is does not multiply to the processors'
    number: it is a preference. Raises HardwareInvalid (400) for limits that cannot be kept.
    """
    wanted = _wanted(specs, properties)
    most = _limits(specs, properties)
    if any(part > limit for part, limit in zip(wanted, most, strict=True)):
        raise HardwareInvalid(f"Image vCPU topology {_shown(wanted)} exceeds permitted {_shown(most)}")
    preferred = _preferred(wanted, vcpus)
    if min(most) == _NO_LIMIT or (preferred and _is_within(preferred, most)):
        return preferred
    possible = [parts for parts in _possible(vcpus) if _is_within(parts, most)]
    if not possible:
        raise HardwareInvalid(f"Requested vCPU limits {_shown(most)} are impossible to satisfy for vcpus count {vcpus}")
    return min(possible, key=lambda parts: (-_same(parts, wanted), parts[2], parts[0]))


def of_existing(specs: Mapping[str, Any], properties: Mapping[str, Any], vcpus: int) -> Topology | None:
    """Return the same of a server that there is: limits that are refused today did not keep it from being built."""
    try:
        return of(specs, properties, vcpus)
    except HardwareInvalid:
        return _preferred(_wanted(specs, properties), vcpus)


def _wanted(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> Topology:
    """What the flavor names wins over the image's; 0: neither names it."""
    flavor, image = _numbers(specs, "hw:cpu_"), _numbers(properties, "hw_cpu_")
    return (flavor[0] or image[0], flavor[1] or image[1], flavor[2] or image[2])


def _limits(specs: Mapping[str, Any], properties: Mapping[str, Any]) -> Topology:
    flavor, image = _numbers(specs, "hw:cpu_max_"), _numbers(properties, "hw_cpu_max_")
    most = (flavor[0] or _NO_LIMIT, flavor[1] or _NO_LIMIT, flavor[2] or _NO_LIMIT)
    if not _is_within(image, most):
        raise HardwareInvalid(f"Image vCPU limits {_shown(image)} exceeds permitted {_shown(most)}")
    return (image[0] or most[0], image[1] or most[1], image[2] or most[2])


def _numbers(asked: Mapping[str, Any], prefix: str) -> Topology:
    """Return the whole numbers of the three parts; 0 for others, which flavors from before 2.86 may have."""
    texts = [str(asked.get(prefix + part, "")).strip() for part in PARTS]
    numbers = [int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0 for text in texts]
    return (numbers[0], numbers[1], numbers[2])


def _preferred(wanted: Topology, vcpus: int) -> Topology | None:
    """Unspecified parts are as small as possible."""
    if not any(wanted):
        return None
    sockets, cores, threads = wanted
    threads = threads or 1
    if not cores:
        cores = vcpus // (threads * (sockets or 1))
    sockets = sockets or vcpus // (max(cores, 1) * threads)
    return (sockets, cores, threads) if sockets * cores * threads == vcpus else None


def _possible(vcpus: int) -> list[Topology]:
    small = [number for number in range(1, math.isqrt(vcpus) + 1) if vcpus % number == 0]
    divisors = {*small, *(vcpus // number for number in small)}
    return [
        (vcpus // rest, rest // threads, threads) for rest in divisors for threads in divisors if not rest % threads
    ]


def _is_within(parts: Topology, most: Topology) -> bool:
    return all(part <= limit for part, limit in zip(parts, most, strict=True))


def _same(parts: Topology, wanted: Topology) -> int:
    return sum(part == other for part, other in zip(parts, wanted, strict=True))


def _shown(parts: Topology) -> str:
    return ":".join(str(part) for part in parts)
