"""The elements that say where a guest's processors and memory are on its host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from workers.drivers.hypervisor.libvirt.xml import resources
from workers.drivers.hypervisor.specs import Hardware, Placement

_OF_HOST = ("vcpupin", "emulatorpin", "vcpusched")


def cpu_tune(asked: Hardware) -> resources.CpuTune | None:
    """The guest's share of its processors, and those of the host that they run on."""
    placed = asked.placement
    if placed is None and (asked.cpu_shares, asked.cpu_quota, asked.cpu_period) == (None, None, None):
        return None
    pins = sorted(pair for cell in placed.cells for pair in cell.cpus) if placed else []
    return resources.CpuTune(
        shares=asked.cpu_shares,
        period=asked.cpu_period,
        quota=asked.cpu_quota,
        pins=tuple(resources.VcpuPin(vcpu, listed(cpus)) for vcpu, cpus in pins),
        emulator=resources.EmulatorPin(listed(placed.emulator)) if placed and placed.emulator else None,
        realtime=resources.VcpuSched(listed(placed.realtime)) if placed and placed.realtime else None,
    )


def carry_over(root: Any, placed: Placement | None, shared: Iterable[int] | None) -> None:
    """Let a domain's XML name another host's processors and cells: those of the guest's claim there, or for a guest
    without one those that its guests share. None of these: they stay as they are.
    """
    if placed is None:
        if shared is not None:
            _share(root.find("vcpu"), listed(shared))
        return
    tune = root.find("cputune")
    if tune is None:  # of a guest that was started without its places
        tune = etree.SubElement(root, "cputune")
    for element in [child for child in tune if child.tag in _OF_HOST]:
        tune.remove(element)
    made = cpu_tune(Hardware(placement=placed))
    if made is not None:
        tune.extend(made.build())
    numa, there = numa_tune(placed), root.find("numatune")
    if numa is not None and there is not None:
        root.replace(there, numa.build())


def _share(vcpu: Any, cpus: str) -> None:
    if cpus:
        vcpu.set("cpuset", cpus)
    else:
        vcpu.attrib.pop("cpuset", None)


def numa_tune(placed: Placement | None) -> resources.NumaTune | None:
    """The host's cells that its memory is on."""
    if placed is None:
        return None
    nodes = (resources.MemoryNode(number, str(cell.host_cell)) for number, cell in enumerate(placed.cells))
    return resources.NumaTune(resources.MemoryMode(listed(cell.host_cell for cell in placed.cells)), tuple(nodes))


def backing(asked: Hardware) -> resources.MemoryBacking | None:
    """The pages of its memory; None: ordinary ones, which the host may swap."""
    placed = asked.placement
    cells = [(number, cell.page_kib) for number, cell in enumerate(placed.cells) if cell.page_kib] if placed else []
    pages = tuple(
        resources.Page(size, listed(number for number, other in cells if other == size))
        for size in sorted({size for _, size in cells})
    )
    if not (pages or asked.locked):
        return None
    return resources.MemoryBacking(
        hugepages=resources.HugePages(pages) if pages else None,
        separate=resources.NoSharedPages() if placed and placed.realtime else None,
        locked=resources.Locked() if asked.locked else None,
    )


def guest_numa(placed: Placement | None) -> resources.GuestNuma | None:
    """The cells that the guest sees."""
    if placed is None:
        return None
    return resources.GuestNuma(
        tuple(
            resources.GuestCell(number, listed(vcpu for vcpu, _ in cell.cpus), cell.memory_mib)
            for number, cell in enumerate(placed.cells)
        )
    )


def listed(numbers: Iterable[int]) -> str:
    """Return a set of processors or cells as libvirt reads it."""
    return ",".join(map(str, sorted(set(numbers))))
