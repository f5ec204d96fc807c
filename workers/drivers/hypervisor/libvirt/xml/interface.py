"""<interface>: how a guest is plugged into a bridge."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child


@dataclass(frozen=True, slots=True)
class Mac(Element):
    """<mac>."""

    tag: ClassVar[str] = "mac"
    address: str = attribute("address")


@dataclass(frozen=True, slots=True)
class BridgeSource(Element):
    """<source> of an interface."""

    tag: ClassVar[str] = "source"
    bridge: str = attribute("bridge")


@dataclass(frozen=True, slots=True)
class VirtualPortParameters(Element):
    """<parameters> of a virtual port: the port's id, by which OVN knows the card."""

    tag: ClassVar[str] = "parameters"
    interface_id: str = attribute("interfaceid")


@dataclass(frozen=True, slots=True)
class VirtualPort(Element):
    """<virtualport>: libvirt plugs the tap into Open vSwitch, and unplugs it when the guest ends."""

    tag: ClassVar[str] = "virtualport"
    parameters: VirtualPortParameters = child()
    type: Literal["openvswitch"] = attribute("type", default="openvswitch")


@dataclass(frozen=True, slots=True)
class InterfaceTarget(Element):
    """<target>: the tap's name on the host."""

    tag: ClassVar[str] = "target"
    dev: str = attribute("dev")


@dataclass(frozen=True, slots=True)
class InterfaceModel(Element):
    """<model> of an interface: the card that the guest sees."""

    tag: ClassVar[str] = "model"
    type: str = attribute("type")


@dataclass(frozen=True, slots=True)
class HostOffloads(Element):
    """<host>: what the card does not leave to the host."""

    tag: ClassVar[str] = "host"
    csum: str = attribute("csum", default="off")
    gso: str = attribute("gso", default="off")
    tso4: str = attribute("tso4", default="off")
    tso6: str = attribute("tso6", default="off")
    ecn: str = attribute("ecn", default="off")
    ufo: str = attribute("ufo", default="off")
    mrg_rxbuf: str = attribute("mrg_rxbuf", default="off")


@dataclass(frozen=True, slots=True)
class GuestOffloads(Element):
    """<guest>: what the host does not leave to the guest."""

    tag: ClassVar[str] = "guest"
    csum: str = attribute("csum", default="off")
    tso4: str = attribute("tso4", default="off")
    tso6: str = attribute("tso6", default="off")
    ecn: str = attribute("ecn", default="off")
    ufo: str = attribute("ufo", default="off")


@dataclass(frozen=True, slots=True)
class InterfaceDriver(Element):
    """<driver> of a virtio card: its queues, so that several processors work on one card, and its offloads."""

    tag: ClassVar[str] = "driver"
    queues: int | None = attribute("queues", default=None)
    packed: Literal["on"] | None = attribute("packed", default=None)
    host: HostOffloads | None = child(default=None)
    guest: GuestOffloads | None = child(default=None)


@dataclass(frozen=True, slots=True)
class Mtu(Element):
    """<mtu> in bytes."""

    tag: ClassVar[str] = "mtu"
    size: int = attribute("size")


@dataclass(frozen=True, slots=True)
class Rom(Element):
    """<rom>: no network boot, which would cost a second at each power-on."""

    tag: ClassVar[str] = "rom"
    enabled: bool = attribute("enabled", default=False)


@dataclass(frozen=True, slots=True)
class Interface(Element):
    """<interface type='bridge'>.

    libvirt makes the tap when the domain starts and QEMU holds it open; it is not persistent, so the kernel removes
    it when QEMU ends, however it ends. A tap made beforehand (type='ethernet', managed='no') has to be persistent,
    and would be left behind by a QEMU or a worker that was killed.
    """

    tag: ClassVar[str] = "interface"
    type: Literal["bridge"] = attribute("type", default="bridge")
    mac: Mac | None = child(default=None)
    source: BridgeSource | None = child(default=None)
    virtual_port: VirtualPort | None = child(default=None)
    target: InterfaceTarget | None = child(default=None)
    model: InterfaceModel | None = child(default=None)
    driver: InterfaceDriver | None = child(default=None)
    mtu: Mtu | None = child(default=None)
    rom: Rom = child(default=Rom())
