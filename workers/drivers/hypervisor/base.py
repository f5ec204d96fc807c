"""The hypervisor contract: what the cloud asks of whatever runs its servers, and the words it asks in.

Rules that hold for every method of every driver:

- Everything is idempotent: asked twice, the second call finds the work done and succeeds.
- What is absent is already destroyed; what is off is already stopped. Both are success.
- A call that fails leaves the host as it was before, unless its docstring says otherwise.
- Failures are `RetryableError` (this host cannot) or `AbortError` (no host can), never a library's own exception.
- Servers are named by their UUID in canonical lower-case text. Sizes carry their unit in the name.
- Methods may be called from many threads at once; calls about one server are serialised by the caller.
- A driver sees its own cloud's domains only: those made under the same `state_dir`. An operator's other machines, and
  another cloud's on the same hypervisor, are neither listed nor touched.
- Nothing is opened when a driver is made: connections are opened by the first call, so a worker may fork before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

CONSOLE_MAX_BYTES = 102400
"""How much console text is read by default; Nova's MAX_CONSOLE_BYTES."""


class PowerState(StrEnum):
    """What the hypervisor says a domain does; Nova's words, lower case. A member equals its word."""

    NOSTATE = "nostate"
    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"
    SUSPENDED = "suspended"


class Event(StrEnum):
    """What `watch` reports about one server. A member equals its word."""

    STARTED = "started"
    STOPPED = "stopped"
    CRASHED = "crashed"
    PAUSED = "paused"
    RESUMED = "resumed"
    SHUTDOWN = "shutdown"
    """The guest began or asked for its own power-off; `stopped` follows."""


Bus = Literal["virtio", "scsi", "sata", "ide"]
CardModel = Literal["virtio", "e1000", "e1000e", "rtl8139"]
WatchCallback = Callable[[str, str], None]
"""Called as callback(server_id, event) on a thread of the driver's own; it may block, and call the driver."""


@dataclass(frozen=True, slots=True)
class DiskBacking:
    """The read-only file under a qcow2 overlay: an absolute path, and its format as recorded, never as probed."""

    path: str
    format: Literal["qcow2", "raw"]


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One disk of a server, as the guest sees it (`target`, e.g. vda) and as the host keeps it (`path`).

    The format is what was recorded when the file was made; a guest writes its own header, so nobody probes.
    `boot_index` counts from 1; None is never booted from. `serial` is what the guest finds in /dev/disk/by-id.
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

    def __post_init__(self) -> None:
        """Refuse targets and paths that could mean something else further down."""
        if not self.target.isalnum() or not self.target.isascii():
            raise SpecInvalid(f"not a disk target: {self.target!r}")
        for path in (self.path, self.backing.path if self.backing else "/"):
            values.check_plain_text(path, "a disk's path")
            if not path.startswith("/"):
                raise SpecInvalid("a disk's path must be absolute", details=path)
        if self.backing is not None and self.format != "qcow2":
            raise SpecInvalid("only a qcow2 disk has a backing file")


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """One network interface of a server: its port, and where on the host it is plugged. `mtu` in bytes.

    `queues`: pairs of queues of a virtio card; 1 for any other.
    """

    port_id: str
    mac: str
    tap: str
    bridge: str
    mtu: int = 1500
    model: CardModel = "virtio"
    queues: int = 1

    def __post_init__(self) -> None:
        """Refuse what the kernel or libvirt would read otherwise."""
        values.check_uuid(self.port_id, "a port's id")
        values.check_mac(self.mac)
        values.check_interface_name(self.tap, "a tap's name")
        values.check_interface_name(self.bridge, "a bridge's name")
        values.check_range(self.mtu, "an MTU", 576, 65535)
        values.check_range(self.queues, "the number of queues", 1, 256)


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine around disks and cards, where the image or the flavor asks for it. None: the host's own choice.

    `topology` is (sockets, cores, threads). `watchdog` says what happens when the guest stops feeding it.
    """

    machine: Literal["q35", "pc"] | None = None
    firmware: Literal["bios", "uefi"] = "bios"
    video: Literal["vga", "virtio", "cirrus", "bochs", "none"] = "vga"
    watchdog: Literal["reset", "poweroff", "pause", "none"] | None = None
    boot_menu: bool = False
    local_time: bool = False
    topology: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """Everything a driver needs to know of a server.

    `name` is the domain's name on the host (letters, digits, - _ .), unique there. `display_name` and `metadata`
    are the tenant's own text: any Unicode at all, carried as data only. `console_log` and `instance_dir` are
    absolute paths, as `workers.system.paths.HostPaths` gives them.
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


@dataclass(frozen=True, slots=True)
class DomainInfo:
    """What runs on the host for one server.

    `vnc_socket` is the path of its graphical console's unix socket while there is one; root and the hypervisor alone
    may open it. `reason` is the hypervisor's word for a pause that Celerity did not ask for, `io_error` say.
    """

    id: str
    name: str
    power_state: PowerState
    vnc_socket: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do, as data. Ask this; never ask a driver for its class."""

    pause: bool
    soft_reboot: bool
    vnc_console: bool
    real_guests: bool
    """False when nothing truly runs (the simulated driver)."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host is. `disk_gib` is the size of the file system that holds the instances; `cpu_info` has
    vendor, model, arch, topology {sockets, cores, threads} and features (a list); `traits` are os-traits names
    (and CUSTOM_VIRT_TYPE_*, of how it virtualises).
    """

    hypervisor_type: str
    hypervisor_version: int
    virt_type: Literal["kvm", "qemu", "simulated"]
    arch: str
    cpu_model: str
    cpu_info: Mapping[str, Any]
    vcpus: int
    ram_mib: int
    disk_gib: int
    traits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostUse:
    """What of a host is in use: by Celerity's domains (vcpus, ram), and on the instances' file system (disk)."""

    vcpus: int
    ram_mib: int
    disk_gib: int
    servers: int


class HypervisorDriver(ABC):
    """One host's hypervisor. Made by `workers.drivers.hypervisor.loader.load(name, options)`."""

    capabilities: Capabilities

    @abstractmethod
    def facts(self) -> HostFacts:
        """Say what the host is. Reads only. Raises HypervisorUnavailable when the hypervisor does not answer."""

    @abstractmethod
    def ping(self) -> None:
        """Return when the hypervisor answers. Asks about no domain, so no domain can delay it or make it fail.

        Raises HypervisorUnavailable.
        """

    @abstractmethod
    def use(self) -> HostUse:
        """Say what of the host is in use. Reads only; domains that vanish meanwhile are left out.

        Raises HypervisorUnavailable.
        """

    @abstractmethod
    def spawn(self, spec: ServerSpec) -> DomainInfo:
        """Define the server's domain and power it on.

        Success: the domain runs. A domain of this id that runs already is success, and stays as it is; one that is
        defined but off is defined anew from the spec and started.
        Failure (SpawnFailed, HypervisorUnavailable, ImpossibleServer): no domain of this id is left, unless it ran
        before the call. Files and ports of the spec are the caller's and untouched.
        """

    @abstractmethod
    def start(self, spec: ServerSpec) -> DomainInfo:
        """Power on a server that exists; a domain that is missing is defined again from the spec.

        Success: the domain runs (also: it ran already). Failure: it is off, and its definition may be left.
        """

    @abstractmethod
    def stop(self, server_id: str, graceful_timeout_s: float) -> None:
        """Power off: ask the guest by ACPI, wait up to `graceful_timeout_s` seconds (0: do not ask), then pull the
        plug.

        Success: the domain is off and still defined; off already, or absent, is success too.
        Failure: its state is unchanged or off.
        """

    @abstractmethod
    def reboot(self, server_id: str, timeout_s: float) -> None:
        """Reboot softly: ask the guest to power off, wait up to `timeout_s` seconds, power on again.

        Success: the guest went down by itself and the domain runs again. Raises SoftRebootFailed when the guest did
        not go down in time (it still runs: the caller goes on with `hard_reboot`), ServerNotFound when absent.
        """

    @abstractmethod
    def hard_reboot(self, spec: ServerSpec) -> DomainInfo:
        """Pull the plug, define the domain anew from the spec, power on: what mends whatever state it is in.

        Success: the domain runs as the spec says. Failure: it may be off, or gone; ask again.
        """

    @abstractmethod
    def pause(self, server_id: str) -> None:
        """Freeze the virtual CPUs. Paused already is success. Raises ServerNotFound, ServerNotRunning."""

    @abstractmethod
    def unpause(self, server_id: str) -> None:
        """Let the virtual CPUs run again. Running already is success. Raises ServerNotFound, ServerNotRunning."""

    @abstractmethod
    def destroy(self, server_id: str) -> None:
        """Power off at once and forget the domain. Absent is success. Disks and ports are not touched."""

    @abstractmethod
    def info(self, server_id: str) -> DomainInfo | None:
        """Say what runs for a server; None when no domain of Celerity's has this id."""

    @abstractmethod
    def list_domains(self) -> tuple[DomainInfo, ...]:
        """List Celerity's domains on this host, in no order. An operator's own domains are left out, and those that
        vanish meanwhile.
        """

    @abstractmethod
    def console_output(self, server_id: str, max_bytes: int = CONSOLE_MAX_BYTES) -> bytes:
        """The last `max_bytes` bytes of the serial console, across rotated logs, as the guest wrote them.

        Empty when there is no log (yet). Never waits for the hypervisor.
        """

    @abstractmethod
    def watch(self, callback: WatchCallback) -> Callable[[], None]:
        """Call `callback(server_id, event)` for what happens to Celerity's domains from now on, whoever did it.

        Lasts across a restart of the hypervisor's daemon: what changed meanwhile is reported when it is back.
        An event may come twice, and may be late; `info` tells the truth. What the driver itself is asked to do is
        reported as well (a soft reboot: stopped, started). Returns a function that ends it. Raises
        HypervisorUnavailable when the hypervisor does not answer now.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and threads. The driver may be used again. Guests go on running."""
