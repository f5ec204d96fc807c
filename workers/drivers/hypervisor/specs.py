"""A driver's description of a server: disks, network cards, machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

Bus = Literal["virtio", "scsi", "sata", "ide", "usb"]
CardModel = Literal["virtio", "e1000", "e1000e", "rtl8139"]


@dataclass(frozen=True, slots=True)
class DiskBacking:
    """The read-only file under a qcow2 overlay: an absolute path, and its format as recorded, never as probed."""

    path: str
    format: Literal["qcow2", "raw"]


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A volume's export: NBD by a name on a unix socket, whose path is absolute."""

    socket: str
    name: str

    def __post_init__(self) -> None:
        """Refuse paths that could mean something else further down."""
        values.check_plain_text(self.socket, "a socket's path")
        values.check_plain_text(self.name, "an export's name")
        if not self.socket.startswith("/"):
            raise SpecInvalid("a socket's path must be absolute", details=self.socket)


@dataclass(frozen=True, slots=True)
class ClusterSource:
    """A volume that QEMU reaches by itself: an image of a Ceph pool, by its monitors (`address:port`).

    The hypervisor keeps `key` as the secret of that UUID. It is in no description of a domain, and in no log.
    """

    pool: str
    image: str
    monitors: tuple[str, ...]
    user: str
    secret: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse names that could mean something else further down."""
        values.check_uuid(self.secret, "a secret's id")
        for text in (self.pool, self.image, self.user, *self.monitors):
            values.check_plain_text(text, "a volume's source")


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One disk of a server, as the guest sees it (`target`, e.g. vda) and as the host keeps it: a file (`path`), or a
    volume (`export`), of which the format is raw, whatever its file's is.

    The format was recorded when the file was created. It is never probed: a guest can write any header.
    `boot_index` counts from 1; None is never booted from. `serial` is the disk's name in /dev/disk/by-id.
    `limits` are those of a volume, by libvirt's names: total_iops_sec and the like.
    `key`: an encrypted volume, by whose ID the host was given its key (`keep_key`); the guest sees its data.
    `bus` None: virtio for vdX, virtio-scsi for sdX, IDE for hdX.
    """

    target: str
    path: str
    format: Literal["qcow2", "raw", "iso"]
    device: Literal["disk", "cdrom"] = "disk"
    boot_index: int | None = None
    readonly: bool = False
    serial: str | None = None
    backing: DiskBacking | None = None
    bus: Bus | None = None
    export: ExportSource | ClusterSource | None = None
    limits: tuple[tuple[str, int], ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse targets and paths that could mean something else further down."""
        if (self.export is not None) == bool(self.path) or (self.export is not None and self.format != "raw"):
            raise SpecInvalid("a disk is a file, or a raw export")
        if self.key and self.export is None:
            raise SpecInvalid("only a volume is encrypted")
        if not self.target.isalnum() or not self.target.isascii():
            raise SpecInvalid(f"not a disk target: {self.target!r}")
        for path in (self.path, self.backing.path if self.backing else "/"):
            values.check_plain_text(path, "a disk's path")
            if path and not path.startswith("/"):
                raise SpecInvalid("a disk's path must be absolute", details=path)
        if self.backing is not None and self.format != "qcow2":
            raise SpecInvalid("only a qcow2 disk has a backing file")


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """One network interface of a server: its port, and where on the host it is plugged. `mtu` in bytes.

    `queues`: pairs of queues of a virtio card; 1 for any other. `openvswitch`: the bridge is one of Open vSwitch's, and
    the card is known there by the port's id. `offloads` False: a virtio card finishes its packets itself, because the
    switch's tunnels drop those that are not finished. `routers`: for the network driver, when the card is plugged.
    """

    port_id: str
    mac: str
    tap: str
    bridge: str
    mtu: int = 1500
    model: CardModel = "virtio"
    queues: int = 1
    openvswitch: bool = False
    offloads: bool = True
    routers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names that the kernel or libvirt would interpret differently."""
        values.check_uuid(self.port_id, "a port's id")
        values.check_mac(self.mac)
        values.check_interface_name(self.tap, "a tap's name")
        values.check_interface_name(self.bridge, "a bridge's name")
        values.check_range(self.mtu, "an MTU", 576, 65535)
        values.check_range(self.queues, "the number of queues", 1, 256)


@dataclass(frozen=True, slots=True)
class DirectBoot:
    """A kernel that the hypervisor starts, with its ramdisk and arguments: absolute paths, of this server alone."""

    kernel: str
    ramdisk: str | None
    command_line: str

    def __post_init__(self) -> None:
        """Refuse paths that could mean something else further down."""
        for path in (self.kernel, self.ramdisk or "/"):
            values.check_plain_text(path, "a kernel's path")
            if not path.startswith("/"):
                raise SpecInvalid("a kernel's path must be absolute", details=path)


@dataclass(frozen=True, slots=True)
class TpmSpec:
    """A TPM that the host emulates. `secret` encrypts its state."""

    version: Literal["1.2", "2.0"]
    model: Literal["tpm-tis", "tpm-crb"]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CellPlacement:
    """A guest's NUMA cell on a cell of the host: `cpus` are pairs of a guest's processor and the host's that it may run
    on. `page_kib` is the size of its memory's pages, 0 for ordinary ones.
    """

    host_cell: int
    cpus: tuple[tuple[int, tuple[int, ...]], ...]
    memory_mib: int
    page_kib: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a guest's processors and memory are on its host, and on which processors QEMU's own threads run.

    `realtime`: the guest's processors that nothing else interrupts.
    """

    cells: tuple[CellPlacement, ...]
    emulator: tuple[int, ...]
    realtime: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine around disks and cards, where the image or the flavor asks for it. None: the host's own choice.

    `machine`: q35, pc, or one of their versions. `topology` is (sockets, cores, threads). `guest_agent`: the guest
    gets the channel of its agent. `watchdog` is the action when the guest stops feeding it. `secure_boot`: by the
    firmware uefi with its maker's keys. `cpu_quota` and `cpu_period` in microseconds, for each processor.
    `rng_rate` is bytes in milliseconds. `tablet` is its bus, which `keyboard` puts a keyboard on as well. `devices`
    are PCI addresses of the host. `locked`: the host never swaps the guest's memory. `packed_rings` of the virtio
    disks and cards that it starts with. `address`: passthrough or emulate, and how wide. `video_mib` 0: the usual.
    """

    machine: str | None = None
    firmware: Literal["bios", "uefi"] = "bios"
    video: Literal["vga", "virtio", "cirrus", "bochs", "none"] = "vga"
    watchdog: Literal["reset", "poweroff", "pause", "none"] | None = None
    boot_menu: bool = False
    guest_agent: bool = False
    local_time: bool = False
    topology: tuple[int, int, int] | None = None
    secure_boot: bool = False
    hide_hypervisor: bool = False
    performance_counters: bool | None = None
    hpet: bool = False
    cpu_shares: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    rng: bool = True
    rng_rate: tuple[int, int] | None = None
    tablet: Literal["usb", "virtio"] | None = None
    keyboard: bool = False
    sound: Literal["sb16", "es1370", "ac97", "ich6", "ich9", "usb"] | None = None
    tpm: TpmSpec | None = None
    placement: Placement | None = None
    locked: bool = False
    devices: tuple[str, ...] = ()
    packed_rings: bool = False
    iommu: Literal["intel", "virtio"] | None = None
    address: tuple[str, int] | None = None
    video_mib: int = 0


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """Everything a driver needs to know of a server.

    `name` is the domain's name on the host (letters, digits, - _ .), unique there. `display_name` and `metadata`
    are the tenant's own text: any Unicode at all, carried as data only. `console_log` and `instance_dir` are
    absolute paths, as `workers.system.paths.HostPaths` gives them.
    `on_addresses` is called with the PCI addresses that the hypervisor chose, by disk target and by MAC, after the
    domain is defined and before it is powered on. A driver without real guests never calls it.
    """

    id: str
    name: str
    display_name: str
    project_id: str
    user_id: str
    flavor_name: str
    vcpus: int
    ram_mib: int
    disks: tuple[DiskSpec, ...]
    interfaces: tuple[InterfaceSpec, ...]
    console_log: str
    instance_dir: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    hardware: Hardware = Hardware()
    direct_boot: DirectBoot | None = None
    on_addresses: Callable[[Mapping[str, str]], object] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse names, sizes and paths that no hypervisor could take."""
        values.check_uuid(self.id, "a server's id")
        if not self.name or not all(ch.isascii() and (ch.isalnum() or ch in "-_.") for ch in self.name):
            raise SpecInvalid(f"not a domain name: {self.name!r}")
        values.check_range(self.vcpus, "the number of virtual CPUs", 1, 512)
        values.check_range(self.ram_mib, "the memory in MiB", 1, 16 * 1024 * 1024)
        for path in (self.console_log, self.instance_dir):
            values.check_plain_text(path, "a server's path")
            if not path.startswith("/"):
                raise SpecInvalid("a server's path must be absolute", details=path)
        targets = [disk.target for disk in self.disks]
        if len(set(targets)) != len(targets):
            raise SpecInvalid("two disks share a target")
