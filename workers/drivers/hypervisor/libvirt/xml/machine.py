"""<os>, <cpu>, <features>, <clock>, <sysinfo>: the board a guest finds itself on."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, content, leaf
from workers.drivers.hypervisor.libvirt.xml.resources import GuestNuma


@dataclass(frozen=True, slots=True)
class OsType(Element):
    """<type> of <os>: full virtualisation of a machine type."""

    tag: ClassVar[str] = "type"
    arch: str = attribute("arch")
    machine: str = attribute("machine")
    value: Literal["hvm"] = content(default="hvm")


@dataclass(frozen=True, slots=True)
class Smbios(Element):
    """<smbios>: tables come from <sysinfo>, so nothing of the host's own shows."""

    tag: ClassVar[str] = "smbios"
    mode: Literal["sysinfo"] = attribute("mode", default="sysinfo")


@dataclass(frozen=True, slots=True)
class BootMenu(Element):
    """<bootmenu>: the firmware waits `timeout` milliseconds for a key."""

    tag: ClassVar[str] = "bootmenu"
    enable: bool = attribute("enable", default=True)
    timeout: int = attribute("timeout", default=3000)


@dataclass(frozen=True, slots=True)
class FirmwareFeature(Element):
    """<feature> that libvirt's choice of a firmware must have, or must not."""

    tag: ClassVar[str] = "feature"
    enabled: bool = attribute("enabled")
    name: Literal["secure-boot", "enrolled-keys"] = attribute("name")


@dataclass(frozen=True, slots=True)
class Firmware(Element):
    """<firmware>."""

    tag: ClassVar[str] = "firmware"
    features: tuple[FirmwareFeature, ...] = child()


@dataclass(frozen=True, slots=True)
class Loader(Element):
    """<loader>: secure, only the firmware writes to its variables."""

    tag: ClassVar[str] = "loader"
    secure: bool = attribute("secure")


@dataclass(frozen=True, slots=True)
class Os(Element):
    """<os>. The boot order is an attribute of the disks. `firmware` efi: libvirt chooses the file, and makes its
    variables. `kernel` and what follows: QEMU starts that, and no disk's boot loader.
    """

    tag: ClassVar[str] = "os"
    type: OsType = child()
    firmware: Literal["efi"] | None = attribute("firmware", default=None)
    features: Firmware | None = child(default=None)
    loader: Loader | None = child(default=None)
    kernel: str | None = leaf("kernel", default=None)
    initrd: str | None = leaf("initrd", default=None)
    cmdline: str | None = leaf("cmdline", default=None)
    bootmenu: BootMenu | None = child(default=None)
    smbios: Smbios = child(default=Smbios())


@dataclass(frozen=True, slots=True)
class Entry(Element):
    """One line of an SMBIOS table."""

    tag: ClassVar[str] = "entry"
    name: str = attribute("name")
    value: str = content()


@dataclass(frozen=True, slots=True)
class SystemTable(Element):
    """SMBIOS table 1."""

    tag: ClassVar[str] = "system"
    entries: tuple[Entry, ...] = child()


@dataclass(frozen=True, slots=True)
class Sysinfo(Element):
    """<sysinfo>."""

    tag: ClassVar[str] = "sysinfo"
    type: Literal["smbios"] = attribute("type", default="smbios")
    system: SystemTable | None = child(default=None)


@dataclass(frozen=True, slots=True)
class Acpi(Element):
    """<acpi>: without it the guest cannot be asked to power off."""

    tag: ClassVar[str] = "acpi"


@dataclass(frozen=True, slots=True)
class Apic(Element):
    """<apic>."""

    tag: ClassVar[str] = "apic"


@dataclass(frozen=True, slots=True)
class TbCache(Element):
    """<tb-cache>: the memory of an emulated guest that is not the guest's own. Unbounded it grows to a GiB."""

    tag: ClassVar[str] = "tb-cache"
    unit: Literal["MiB"] = attribute("unit", default="MiB")
    mib: int = content(default=64)


@dataclass(frozen=True, slots=True)
class Tcg(Element):
    """<tcg>: settings of the emulator."""

    tag: ClassVar[str] = "tcg"
    tb_cache: TbCache = child()


@dataclass(frozen=True, slots=True)
class Smm(Element):
    """<smm>: the mode in which the firmware alone writes to its variables."""

    tag: ClassVar[str] = "smm"
    state: Literal["on"] = attribute("state", default="on")


@dataclass(frozen=True, slots=True)
class Pmu(Element):
    """<pmu>: the processors' performance counters."""

    tag: ClassVar[str] = "pmu"
    state: Literal["on", "off"] = attribute("state")


@dataclass(frozen=True, slots=True)
class Hidden(Element):
    """<hidden>: the guest does not see the hypervisor's signature."""

    tag: ClassVar[str] = "hidden"
    state: Literal["on"] = attribute("state", default="on")


@dataclass(frozen=True, slots=True)
class Kvm(Element):
    """<kvm>."""

    tag: ClassVar[str] = "kvm"
    hidden: Hidden = child(default=Hidden())


@dataclass(frozen=True, slots=True)
class IoApic(Element):
    """<ioapic>: QEMU's own, so that an IOMMU remaps interrupts."""

    tag: ClassVar[str] = "ioapic"
    driver: Literal["qemu"] = attribute("driver", default="qemu")


@dataclass(frozen=True, slots=True)
class Features(Element):
    """<features>."""

    tag: ClassVar[str] = "features"
    acpi: Acpi = child(default=Acpi())
    apic: Apic = child(default=Apic())
    kvm: Kvm | None = child(default=None)
    pmu: Pmu | None = child(default=None)
    smm: Smm | None = child(default=None)
    tcg: Tcg | None = child(default=None)
    ioapic: IoApic | None = child(default=None)


@dataclass(frozen=True, slots=True)
class CpuModel(Element):
    """<model> of <cpu>."""

    tag: ClassVar[str] = "model"
    fallback: Literal["forbid", "allow"] = attribute("fallback")
    name: str = content()


@dataclass(frozen=True, slots=True)
class Topology(Element):
    """<topology> of <cpu>."""

    tag: ClassVar[str] = "topology"
    sockets: int = attribute("sockets")
    cores: int = attribute("cores")
    threads: int = attribute("threads")


@dataclass(frozen=True, slots=True)
class CpuFeature(Element):
    """<feature> of <cpu>: added to the model, or removed from it."""

    tag: ClassVar[str] = "feature"
    policy: Literal["require", "disable"] = attribute("policy")
    name: str = attribute("name")


def cpu_features(names: tuple[str, ...]) -> tuple[CpuFeature, ...]:
    """Return them; those with a leading "-" are removed."""
    return tuple(CpuFeature("disable" if name[0] == "-" else "require", name.removeprefix("-")) for name in names)


@dataclass(frozen=True, slots=True)
class AddressSize(Element):
    """<maxphysaddr>: how many bits a physical address has."""

    tag: ClassVar[str] = "maxphysaddr"
    mode: str = attribute("mode")
    bits: int | None = attribute("bits", default=None)


@dataclass(frozen=True, slots=True)
class Cpu(Element):
    """<cpu>."""

    tag: ClassVar[str] = "cpu"
    mode: Literal["host-model", "host-passthrough", "maximum", "custom"] = attribute("mode")
    match: Literal["exact"] | None = attribute("match", default=None)
    check: Literal["none", "partial"] | None = attribute("check", default=None)
    model: CpuModel | None = child(default=None)
    topology: Topology | None = child(default=None)
    features: tuple[CpuFeature, ...] = child(default=())
    address: AddressSize | None = child(default=None)
    numa: GuestNuma | None = child(default=None)


@dataclass(frozen=True, slots=True)
class Timer(Element):
    """<timer> of <clock>."""

    tag: ClassVar[str] = "timer"
    name: Literal["rtc", "pit", "hpet"] = attribute("name")
    tickpolicy: Literal["catchup", "delay"] | None = attribute("tickpolicy", default=None)
    present: bool | None = attribute("present", default=None)


@dataclass(frozen=True, slots=True)
class Clock(Element):
    """<clock>: the guest's clock shows UTC, or the host's local time (for Windows)."""

    tag: ClassVar[str] = "clock"
    offset: Literal["utc", "localtime"] = attribute("offset", default="utc")
    timers: tuple[Timer, ...] = child(default=())
