"""What flavor and image ask of processors and memory: dedicated processors, NUMA cells, pages. As Nova reads them.

The names, what wins, and the sentences of refusals are Nova's (nova/virt/hardware.py, numa_get_constraints).
"""

import re
from collections.abc import Mapping
from typing import Any

from apps.compute import image_properties, pci_devices
from apps.compute.exceptions import HardwareInvalid
from apps.scheduling.topologies import GuestCell, GuestTopology, parse_cpus

POLICIES, THREADS, EMULATOR = ("dedicated", "mixed", "shared"), ("prefer", "isolate", "require"), ("share", "isolate")
MAX_CELLS = 64
_SIZE = re.compile(r"(\d{1,12})\s*([kKMGT]?)(i?)([bB]|bit)?")
_FACTORS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def of(flavor: Mapping[str, Any], properties: Mapping[str, str]) -> GuestTopology | None:
    """Return what a server's copy of its flavor and its image ask for; None: nothing. Raises HardwareInvalid (400)."""
    specs = flavor.get("extra_specs") or {}
    vcpus, memory = int(flavor["vcpus"]), int(flavor.get("ram") or 0)
    policy = _policy(specs, properties)
    threads = _threads(specs, properties)
    emulator = str(specs.get("hw:emulator_threads_policy") or "")
    if emulator and emulator not in EMULATOR:
        raise HardwareInvalid(
            f"CPU emulator threads option requested is invalid, given: '{emulator[:64]}', available: '{EMULATOR}'."
        )
    realtime = _realtime(specs, properties, vcpus, emulator)
    if realtime and policy not in ("dedicated", "mixed"):
        raise HardwareInvalid("Cannot set realtime policy in a non dedicated cpu pinning policy")
    pinned = _pinned(policy, specs, vcpus, threads=threads, emulator=emulator, realtime=realtime)
    cells, page = _cell_count(specs, properties), _page(specs, properties)
    _check_locked_memory(specs, properties)
    devices = pci_devices.models_of(specs)
    if not (cells or pinned or page not in ("", "any")):
        return GuestTopology(devices=devices) if devices else None
    return GuestTopology(
        devices=devices,
        cells=_cells(cells or 1, specs, properties, vcpus, memory, pinned),
        page=page,
        threads=threads or "prefer",
        own_emulator=emulator == "isolate",
        realtime=realtime,
    )


def of_existing(flavor: Mapping[str, Any], properties: Mapping[str, str]) -> GuestTopology | None:
    """Return the same of a server that there is: what is refused today was built without it, before it was known."""
    try:
        return of(flavor, properties)
    except HardwareInvalid:
        return None


def has_locked_memory(specs: Mapping[str, Any], properties: Mapping[str, str]) -> bool:
    """Return whether the host keeps the guest's memory from being swapped, as for realtime."""
    flavor, image = _values("locked_memory", specs, properties)
    return image_properties.truth(flavor or image) or _is_realtime(specs)


def _check_locked_memory(specs: Mapping[str, Any], properties: Mapping[str, str]) -> None:
    flavor, image = _values("locked_memory", specs, properties)
    asked = {image_properties.truth(text) for text in (flavor, image) if text}
    if len(asked) > 1:
        raise HardwareInvalid(
            f"locked_memory value in image ({image[:64]}) and flavor ({flavor[:64]}) conflict. A consistent value is "
            "expected if both specified."
        )
    if True in asked and not any(_values("mem_page_size", specs, properties)):
        raise HardwareInvalid("locked_memory value in image or flavor is forbidden when mem_page_size is not set.")


def _is_realtime(specs: Mapping[str, Any]) -> bool:
    return image_properties.truth(str(specs.get("hw:cpu_realtime") or ""))


def _realtime(specs: Mapping[str, Any], properties: Mapping[str, str], vcpus: int, emulator: str) -> frozenset[int]:
    """Return the guest's processors that nothing of the host interrupts. QEMU's threads need another one."""
    if not _is_realtime(specs):
        return frozenset()
    flavor, image = _values("cpu_realtime_mask", specs, properties)
    mask, everything = (image or flavor).strip(), frozenset(range(vcpus))
    text = f"0-{vcpus - 1},{mask}" if mask.startswith("^") else mask
    chosen = _set(text, "hw:cpu_realtime_mask") if mask else everything
    if not chosen <= everything:
        raise HardwareInvalid(
            "Realtime policy vCPU(s) mask is configured with RT vCPUs that are not a subset of the vCPUs in the "
            "flavor. See hw:cpu_realtime_mask or hw_cpu_realtime_mask"
        )
    if not chosen or (chosen == everything and emulator != "isolate"):
        raise HardwareInvalid(
            "Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator threads."
        )
    return chosen


def _values(name: str, specs: Mapping[str, Any], properties: Mapping[str, str]) -> tuple[str, str]:
    return str(specs.get(f"hw:{name}") or ""), str(properties.get(f"hw_{name}") or "")


def _known(value: str, known: tuple[str, ...], what: str, source: str) -> None:
    if value and value not in known:
        raise HardwareInvalid(
            f"{what} requested from '{source}' is invalid, given: '{value[:64]}', available: '{known}'."
        )


def _policy(specs: Mapping[str, Any], properties: Mapping[str, str]) -> str:
    flavor, image = _values("cpu_policy", specs, properties)
    _known(flavor, POLICIES, "CPU policy", "flavor extra specs")
    _known(image, POLICIES, "CPU policy", "image properties")
    stricter = {"mixed": ("dedicated",), "shared": ("mixed", "dedicated")}
    if image in stricter.get(flavor, ()):
        raise HardwareInvalid(
            "Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against the flavor"
        )
    return flavor or image


def _threads(specs: Mapping[str, Any], properties: Mapping[str, str]) -> str:
    flavor, image = _values("cpu_thread_policy", specs, properties)
    _known(flavor, THREADS, "CPU thread policy", "flavor extra specs")
    _known(image, THREADS, "CPU thread policy", "image properties")
    if flavor in ("", "prefer"):
        return flavor or image
    if image and image != flavor:
        raise HardwareInvalid(
            "Image property 'hw_cpu_thread_policy' is not permitted to override CPU thread pinning policy set against "
            "the flavor"
        )
    return flavor


def _pinned(
    policy: str, specs: Mapping[str, Any], vcpus: int, *, threads: str, emulator: str, realtime: frozenset[int]
) -> frozenset[int]:
    """Return the guest's processors that are dedicated. ``realtime`` ones name them where no other mask does."""
    mask = str(specs.get("hw:cpu_dedicated_mask") or "").strip()
    if policy in ("", "shared"):
        if threads:
            raise HardwareInvalid("Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy")
        if emulator == "isolate":
            raise HardwareInvalid("An isolated CPU emulator threads option requires a dedicated CPU policy option.")
    if policy != "mixed":
        if mask:
            raise HardwareInvalid(
                "Dedicated CPU set can be specified from 'hw:cpu_dedicated_mask' only with the mixed policy."
            )
        return frozenset(range(vcpus)) if policy == "dedicated" else frozenset()
    if bool(mask) == bool(realtime):
        raise HardwareInvalid(
            "Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or 'hw:cpu_realtime_mask' when "
            "using 'mixed' CPU policy. 'hw:cpu_dedicated_mask' and 'hw:cpu_realtime_mask' can not be specified at the "
            "same time, or be specified with none of them."
        )
    everything = frozenset(range(vcpus))
    text = f"0-{vcpus - 1},{mask}" if mask.startswith("^") else mask
    pinned = _set(text, "hw:cpu_dedicated_mask") if mask else realtime
    if not pinned or pinned >= everything or not pinned <= everything:
        raise HardwareInvalid(
            "Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. See 'hw:cpu_dedicated_mask'."
        )
    return pinned


def _set(text: str, name: str) -> frozenset[int]:
    try:
        return parse_cpus(text)
    except ValueError:
        raise HardwareInvalid(f"Invalid set of processors '{text[:64]}' in {name}.") from None


def _cell_count(specs: Mapping[str, Any], properties: Mapping[str, str]) -> int:
    flavor, image = _values("numa_nodes", specs, properties)
    if flavor and image:
        raise HardwareInvalid(
            "Image property 'hw_numa_nodes' is not permitted to override NUMA configuration set against the flavor"
        )
    text = flavor or image
    if text and not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_CELLS):
        raise HardwareInvalid(f"The property 'numa_nodes' cannot be '{text[:64]}'. It must be a number greater than 0")
    return int(text or 0)


def _page(specs: Mapping[str, Any], properties: Mapping[str, str]) -> str | int:
    flavor, image = _values("mem_page_size", specs, properties)
    if image and not flavor:
        if image in ("small", "any"):  # asks for nothing
            return ""
        raise HardwareInvalid(f"Page size {image[:64]} forbidden against '<empty>'")
    page = _size(flavor)
    if image:
        if page not in ("any", "large"):
            raise HardwareInvalid(f"Page size {image[:64]} forbidden against '{flavor[:64]}'")
        return _size(image)
    return page


def _size(text: str) -> str | int:
    """Return large, any, "" for ordinary pages, or a size in KiB."""
    if text in ("", "small", "any", "large"):
        return "" if text == "small" else text
    if text.isascii() and text.isdecimal():
        return int(text[:12])
    match = _SIZE.fullmatch(text)
    if match is None:
        raise HardwareInvalid(f"Invalid memory page size '{text[:64]}'")
    number: int = int(match[1]) * 1024 ** _FACTORS[match[2]] // (8 if match[4] in ("b", "bit") else 1)
    if number < 1024:
        raise HardwareInvalid(f"Invalid memory page size '{text[:64]}'")
    return number // 1024


def _cells(
    count: int,
    specs: Mapping[str, Any],
    properties: Mapping[str, str],
    vcpus: int,
    memory: int,
    pinned: frozenset[int],
) -> tuple[GuestCell, ...]:
    cpus, mems = (_numbered(name, count, specs, properties) for name in ("numa_cpus", "numa_mem"))
    if bool(cpus) != bool(mems) or (cpus and (len(cpus) != count or len(mems) != count)):
        raise HardwareInvalid("CPU and memory allocation must be provided for all NUMA nodes")
    if not cpus:
        if vcpus % count or memory % count:
            raise HardwareInvalid(
                "Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. Explicit "
                "assignment of CPUs and memory to nodes is required"
            )
        size = vcpus // count
        sets = [frozenset(range(index * size, (index + 1) * size)) for index in range(count)]
        amounts = [memory // count] * count
    else:
        sets = [_set(text, "hw:numa_cpus") for text in cpus]
        if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in mems):
            raise HardwareInvalid("CPU and memory allocation must be provided for all NUMA nodes")
        amounts = [int(text) for text in mems]
        if not all(sets) or not all(amounts):
            raise HardwareInvalid("CPU and memory allocation must be provided for all NUMA nodes")
        _check_cells(sets, amounts, vcpus, memory)
    return tuple(
        GuestCell(pinned=those & pinned, floating=those - pinned, memory_mib=amount)
        for those, amount in zip(sets, amounts, strict=True)
    )


def _numbered(name: str, count: int, specs: Mapping[str, Any], properties: Mapping[str, str]) -> list[str]:
    """Return the values of ``name``.0, .1 …: the flavor's, or the image's where the flavor has none."""
    flavor, image = ([_values(f"{name}.{index}", specs, properties)[side] for index in range(count)] for side in (0, 1))
    if any(flavor) and any(image):
        raise HardwareInvalid(
            f"Image property 'hw_{name}' is not permitted to override NUMA configuration set against the flavor"
        )
    return [text for text in (flavor if any(flavor) else image) if text]


def _check_cells(sets: list[frozenset[int]], amounts: list[int], vcpus: int, memory: int) -> None:
    seen: set[int] = set()
    for those in sets:
        for cpu in sorted(those):
            if cpu >= vcpus:
                raise HardwareInvalid(f"CPU number {cpu} is larger than max {vcpus - 1}")
            if cpu in seen:
                raise HardwareInvalid(f"CPU number {cpu} is assigned to two nodes")
            seen.add(cpu)
    if left := set(range(vcpus)) - seen:
        raise HardwareInvalid(f"CPU number {left} is not assigned to any node")
    if sum(amounts) != memory:
        raise HardwareInvalid(f"{sum(amounts)} MB of memory assigned, but expected {memory} MB")
