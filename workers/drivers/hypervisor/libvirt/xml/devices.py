"""<devices>: all that is neither disk nor network, and the list that holds everything."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.disk import Disk
from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, content
from workers.drivers.hypervisor.libvirt.xml.interface import Interface


@dataclass(frozen=True, slots=True)
class Controller(Element):
    """<controller>."""

    tag: ClassVar[str] = "controller"
    type: Literal["scsi", "usb", "pci"] = attribute("type")
    model: Literal["virtio-scsi", "none", "qemu-xhci", "pcie-root", "pcie-root-port"] = attribute("model")


@dataclass(frozen=True, slots=True)
class Log(Element):
    """<log>: virtlogd writes the guest's output to this file, and rotates it."""

    tag: ClassVar[str] = "log"
    file: str = attribute("file")
    append: Literal["on"] = attribute("append", default="on")


@dataclass(frozen=True, slots=True)
class SerialTarget(Element):
    """<target> of <serial>."""

    tag: ClassVar[str] = "target"
    type: Literal["isa-serial"] = attribute("type", default="isa-serial")
    port: int = attribute("port", default=0)


@dataclass(frozen=True, slots=True)
class Serial(Element):
    """<serial>: a pseudo-terminal for interactive use, and the log."""

    tag: ClassVar[str] = "serial"
    type: Literal["pty"] = attribute("type", default="pty")
    log: Log | None = child(default=None)
    target: SerialTarget = child(default=SerialTarget())


@dataclass(frozen=True, slots=True)
class ChannelTarget(Element):
    """<target> of <channel>: the name the guest agent looks for."""

    tag: ClassVar[str] = "target"
    type: Literal["virtio"] = attribute("type", default="virtio")
    name: str = attribute("name", default="org.qemu.guest_agent.0")


@dataclass(frozen=True, slots=True)
class Channel(Element):
    """<channel>: the guest agent's. libvirt chooses the socket's path."""

    tag: ClassVar[str] = "channel"
    type: Literal["unix"] = attribute("type", default="unix")
    target: ChannelTarget = child(default=ChannelTarget())


@dataclass(frozen=True, slots=True)
class Listen(Element):
    """<listen>: a unix socket in the domain's own directory, at a path of libvirt's choice; no port of the host."""

    tag: ClassVar[str] = "listen"
    type: Literal["socket"] = attribute("type", default="socket")


@dataclass(frozen=True, slots=True)
class Graphics(Element):
    """<graphics>: VNC. It knows no password, so file permissions guard it."""

    tag: ClassVar[str] = "graphics"
    type: Literal["vnc"] = attribute("type", default="vnc")
    listen: Listen = child(default=Listen())


@dataclass(frozen=True, slots=True)
class VideoModel(Element):
    """<model> of <video>. `vram` in KiB."""

    tag: ClassVar[str] = "model"
    type: Literal["vga", "virtio", "cirrus", "bochs", "none"] = attribute("type", default="vga")
    vram: int | None = attribute("vram", default=16384)


@dataclass(frozen=True, slots=True)
class Watchdog(Element):
    """<watchdog>: a card that every guest system supports, and the action when the guest stops feeding it."""

    tag: ClassVar[str] = "watchdog"
    action: Literal["reset", "poweroff", "pause", "none"] = attribute("action")
    model: Literal["i6300esb"] = attribute("model", default="i6300esb")


@dataclass(frozen=True, slots=True)
class Video(Element):
    """<video>."""

    tag: ClassVar[str] = "video"
    model: VideoModel = child(default=VideoModel())


@dataclass(frozen=True, slots=True)
class RngBackend(Element):
    """<backend> of <rng>."""

    tag: ClassVar[str] = "backend"
    model: Literal["random"] = attribute("model", default="random")
    device: str = content(default="/dev/urandom")


@dataclass(frozen=True, slots=True)
class RngRate(Element):
    """<rate>: so many bytes in a period of so many milliseconds."""

    tag: ClassVar[str] = "rate"
    bytes: int = attribute("bytes")
    period: int = attribute("period")


@dataclass(frozen=True, slots=True)
class Rng(Element):
    """<rng>: entropy for a guest that has just been born."""

    tag: ClassVar[str] = "rng"
    model: Literal["virtio"] = attribute("model", default="virtio")
    rate: RngRate | None = child(default=None)
    backend: RngBackend = child(default=RngBackend())


@dataclass(frozen=True, slots=True)
class BalloonStats(Element):
    """<stats>: how often the guest is asked, in seconds."""

    tag: ClassVar[str] = "stats"
    period: int = attribute("period", default=10)


@dataclass(frozen=True, slots=True)
class Memballoon(Element):
    """<memballoon>: memory statistics, and free pages given back to the host."""

    tag: ClassVar[str] = "memballoon"
    model: Literal["virtio"] = attribute("model", default="virtio")
    free_page_reporting: Literal["on"] = attribute("freePageReporting", default="on")
    stats: BalloonStats = child(default=BalloonStats())


@dataclass(frozen=True, slots=True)
class Input(Element):
    """<input>: beside the PS/2 mouse and keyboard that every guest has."""

    tag: ClassVar[str] = "input"
    type: Literal["tablet", "keyboard"] = attribute("type")
    bus: Literal["usb", "virtio"] = attribute("bus")


@dataclass(frozen=True, slots=True)
class Sound(Element):
    """<sound>: nobody hears it; systems that need a card find one."""

    tag: ClassVar[str] = "sound"
    model: Literal["sb16", "es1370", "ac97", "ich6", "ich9", "usb"] = attribute("model")


@dataclass(frozen=True, slots=True)
class TpmEncryption(Element):
    """<encryption>: the secret that libvirt keeps by this UUID encrypts the state."""

    tag: ClassVar[str] = "encryption"
    secret: str = attribute("secret")


@dataclass(frozen=True, slots=True)
class TpmBackend(Element):
    """<backend> of <tpm>: swtpm."""

    tag: ClassVar[str] = "backend"
    version: Literal["1.2", "2.0"] = attribute("version")
    encryption: TpmEncryption = child()
    type: Literal["emulator"] = attribute("type", default="emulator")


@dataclass(frozen=True, slots=True)
class Tpm(Element):
    """<tpm>."""

    tag: ClassVar[str] = "tpm"
    model: Literal["tpm-tis", "tpm-crb"] = attribute("model")
    backend: TpmBackend = child()


@dataclass(frozen=True, slots=True)
class PciAddress(Element):
    """<address> of a PCI device of the host."""

    tag: ClassVar[str] = "address"
    domain: str = attribute("domain")
    bus: str = attribute("bus")
    slot: str = attribute("slot")
    function: str = attribute("function")


@dataclass(frozen=True, slots=True)
class HostdevSource(Element):
    """<source> of <hostdev>."""

    tag: ClassVar[str] = "source"
    address: PciAddress = child()


@dataclass(frozen=True, slots=True)
class Hostdev(Element):
    """<hostdev>: a PCI device of the host. libvirt takes it from its driver, and gives it back."""

    tag: ClassVar[str] = "hostdev"
    source: HostdevSource = child()
    mode: Literal["subsystem"] = attribute("mode", default="subsystem")
    type: Literal["pci"] = attribute("type", default="pci")
    managed: Literal["yes"] = attribute("managed", default="yes")


@dataclass(frozen=True, slots=True)
class IommuDriver(Element):
    """<driver> of <iommu>, which devices of the host need, and guests with many processors."""

    tag: ClassVar[str] = "driver"
    intremap: Literal["on"] = attribute("intremap", default="on")
    caching_mode: Literal["on"] = attribute("caching_mode", default="on")


@dataclass(frozen=True, slots=True)
class Iommu(Element):
    """<iommu>: the guest's own."""

    tag: ClassVar[str] = "iommu"
    model: Literal["intel", "virtio"] = attribute("model")
    driver: IommuDriver | None = child(default=None)


@dataclass(frozen=True, slots=True)
class Devices(Element):
    """<devices>."""

    tag: ClassVar[str] = "devices"
    disks: tuple[Disk, ...] = child()
    controllers: tuple[Controller, ...] = child()
    interfaces: tuple[Interface, ...] = child()
    serial: Serial = child()
    channel: Channel | None = child(default=None)
    graphics: Graphics = child(default=Graphics())
    video: Video = child(default=Video())
    memballoon: Memballoon = child(default=Memballoon())
    rng: Rng | None = child(default=Rng())
    watchdog: Watchdog | None = child(default=None)
    tpm: Tpm | None = child(default=None)
    inputs: tuple[Input, ...] = child(default=())
    sound: Sound | None = child(default=None)
    hostdevs: tuple[Hostdev, ...] = child(default=())
    iommu: Iommu | None = child(default=None)
