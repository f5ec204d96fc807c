"""<memory>, <vcpu>, <cputune>, <numatune>, <memoryBacking>: what a guest has of its host, and where."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, content, leaf


@dataclass(frozen=True, slots=True)
class Memory(Element):
    """<memory>, in MiB."""

    tag: ClassVar[str] = "memory"
    unit: Literal["MiB"] = attribute("unit", default="MiB")
    mib: int = content(default=0)


@dataclass(frozen=True, slots=True)
class Vcpu(Element):
    """<vcpu>: how many virtual processors."""

    tag: ClassVar[str] = "vcpu"
    placement: Literal["static"] = attribute("placement", default="static")
    cpuset: str | None = attribute("cpuset", default=None)
    count: int = content(default=1)


@dataclass(frozen=True, slots=True)
class VcpuPin(Element):
    """<vcpupin>: the host's processors that one of the guest's runs on."""

    tag: ClassVar[str] = "vcpupin"
    vcpu: int = attribute("vcpu")
    cpuset: str = attribute("cpuset")


@dataclass(frozen=True, slots=True)
class EmulatorPin(Element):
    """<emulatorpin>: the host's processors that QEMU's own threads run on."""

    tag: ClassVar[str] = "emulatorpin"
    cpuset: str = attribute("cpuset")


@dataclass(frozen=True, slots=True)
class VcpuSched(Element):
    """<vcpusched>: the guest's processors that the host runs before all else."""

    tag: ClassVar[str] = "vcpusched"
    vcpus: str = attribute("vcpus")
    scheduler: Literal["fifo"] = attribute("scheduler", default="fifo")
    priority: int = attribute("priority", default=1)


@dataclass(frozen=True, slots=True)
class MemoryMode(Element):
    """<memory> of <numatune>: the host's cells that the guest's memory is on."""

    tag: ClassVar[str] = "memory"
    nodeset: str = attribute("nodeset")
    mode: Literal["strict"] = attribute("mode", default="strict")


@dataclass(frozen=True, slots=True)
class MemoryNode(Element):
    """<memnode>: the same of one cell of the guest."""

    tag: ClassVar[str] = "memnode"
    cellid: int = attribute("cellid")
    nodeset: str = attribute("nodeset")
    mode: Literal["strict"] = attribute("mode", default="strict")


@dataclass(frozen=True, slots=True)
class NumaTune(Element):
    """<numatune>."""

    tag: ClassVar[str] = "numatune"
    memory: MemoryMode = child()
    nodes: tuple[MemoryNode, ...] = child()


@dataclass(frozen=True, slots=True)
class Page(Element):
    """<page>: the size of the pages of some cells of the guest."""

    tag: ClassVar[str] = "page"
    size: int = attribute("size")
    nodeset: str = attribute("nodeset")
    unit: Literal["KiB"] = attribute("unit", default="KiB")


@dataclass(frozen=True, slots=True)
class HugePages(Element):
    """<hugepages>."""

    tag: ClassVar[str] = "hugepages"
    pages: tuple[Page, ...] = child()


@dataclass(frozen=True, slots=True)
class NoSharedPages(Element):
    """<nosharepages>: the host merges none with equal ones of other guests."""

    tag: ClassVar[str] = "nosharepages"


@dataclass(frozen=True, slots=True)
class Locked(Element):
    """<locked>: the host swaps none."""

    tag: ClassVar[str] = "locked"


@dataclass(frozen=True, slots=True)
class MemoryBacking(Element):
    """<memoryBacking>."""

    tag: ClassVar[str] = "memoryBacking"
    hugepages: HugePages | None = child(default=None)
    separate: NoSharedPages | None = child(default=None)
    locked: Locked | None = child(default=None)


@dataclass(frozen=True, slots=True)
class GuestCell(Element):
    """<cell> of <numa>: the guest's processors and memory in it."""

    tag: ClassVar[str] = "cell"
    id: int = attribute("id")
    cpus: str = attribute("cpus")
    memory: int = attribute("memory")
    unit: Literal["MiB"] = attribute("unit", default="MiB")


@dataclass(frozen=True, slots=True)
class GuestNuma(Element):
    """<numa> of <cpu>."""

    tag: ClassVar[str] = "numa"
    cells: tuple[GuestCell, ...] = child()


@dataclass(frozen=True, slots=True)
class CpuTune(Element):
    """<cputune>: the weight of the guest's processors, and their time in each period, both in microseconds; and where
    they run.
    """

    tag: ClassVar[str] = "cputune"
    shares: int | None = leaf("shares", default=None)
    period: int | None = leaf("period", default=None)
    quota: int | None = leaf("quota", default=None)
    pins: tuple[VcpuPin, ...] = child(default=())
    emulator: EmulatorPin | None = child(default=None)
    realtime: VcpuSched | None = child(default=None)
