"""<domain>: the root."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.devices import Devices
from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, leaf
from workers.drivers.hypervisor.libvirt.xml.machine import Clock, Cpu, Features, Os, Sysinfo
from workers.drivers.hypervisor.libvirt.xml.metadata import Metadata
from workers.drivers.hypervisor.libvirt.xml.resources import CpuTune, Memory, MemoryBacking, NumaTune, Vcpu


@dataclass(frozen=True, slots=True)
class Domain(Element):
    """<domain>. A guest that powers off or crashes leaves memory; its definition stays."""

    tag: ClassVar[str] = "domain"
    type: Literal["kvm", "qemu"] = attribute("type")
    name: str = leaf("name")
    uuid: str = leaf("uuid")
    title: str = leaf("title")
    metadata: Metadata = child()
    memory: Memory = child()
    vcpu: Vcpu = child()
    sysinfo: Sysinfo = child()
    os: Os = child()
    features: Features = child()
    cpu: Cpu = child()
    clock: Clock = child()
    devices: Devices = child()
    cputune: CpuTune | None = child(default=None)
    numatune: NumaTune | None = child(default=None)
    memory_backing: MemoryBacking | None = child(default=None)
    on_poweroff: Literal["destroy"] = leaf("on_poweroff", default="destroy")
    on_reboot: Literal["restart"] = leaf("on_reboot", default="restart")
    on_crash: Literal["destroy"] = leaf("on_crash", default="destroy")
