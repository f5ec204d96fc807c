"""The hypervisor contract: the operations that the cloud needs of a hypervisor, and their values.

Rules that hold for every method of every driver:

- Everything is idempotent: asked twice, the second call finds the work done and succeeds.
- Destroying an absent domain and stopping one that is off are success.
- A call that fails leaves the host as it was before, unless its docstring says otherwise.
- Failures are `RetryableError` (this host cannot) or `AbortError` (no host can), never a library's own exception.
- Servers are named by their UUID in canonical lower-case text. Sizes carry their unit in the name.
- Methods may be called from many threads at once; calls about one server are serialised by the caller.
- A driver sees its own cloud's domains only: those made under the same `state_dir`. An operator's other machines, and
  another cloud's on the same hypervisor, are neither listed nor touched.
- Nothing is opened when a driver is made: connections are opened by the first call, so a worker may fork before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from workers.drivers.hypervisor.disks import DiskDriver
from workers.drivers.hypervisor.guests import CardCounters as CardCounters
from workers.drivers.hypervisor.guests import Diagnostics as Diagnostics
from workers.drivers.hypervisor.guests import DiskCounters as DiskCounters
from workers.drivers.hypervisor.guests import GuestOperations as GuestOperations
from workers.drivers.hypervisor.keys import KeyOperations as KeyOperations
from workers.drivers.hypervisor.live import CopyProgress as CopyProgress
from workers.drivers.hypervisor.live import LiveOperations as LiveOperations
from workers.drivers.hypervisor.live import Quiesce as Quiesce
from workers.drivers.hypervisor.migration import MigrationOperations as MigrationOperations
from workers.drivers.hypervisor.specs import Bus as Bus
from workers.drivers.hypervisor.specs import CardModel as CardModel
from workers.drivers.hypervisor.specs import CellPlacement as CellPlacement
from workers.drivers.hypervisor.specs import ClusterSource as ClusterSource
from workers.drivers.hypervisor.specs import DirectBoot as DirectBoot
from workers.drivers.hypervisor.specs import DiskBacking as DiskBacking
from workers.drivers.hypervisor.specs import DiskSpec as DiskSpec
from workers.drivers.hypervisor.specs import ExportSource as ExportSource
from workers.drivers.hypervisor.specs import Hardware as Hardware
from workers.drivers.hypervisor.specs import InterfaceSpec as InterfaceSpec
from workers.drivers.hypervisor.specs import Placement as Placement
from workers.drivers.hypervisor.specs import ServerSpec as ServerSpec
from workers.drivers.hypervisor.specs import TpmSpec as TpmSpec

CONSOLE_MAX_BYTES = 102400
"""How much console text is read by default; Nova's MAX_CONSOLE_BYTES."""


class PowerState(StrEnum):
    """A domain's power state in Nova's words, lower case. A member equals its word."""

    NOSTATE = "nostate"
    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"
    SUSPENDED = "suspended"


class Event(StrEnum):
    """Events that `watch` reports about one server. A member equals its word."""

    STARTED = "started"
    STOPPED = "stopped"
    CRASHED = "crashed"
    PAUSED = "paused"
    RESUMED = "resumed"
    SHUTDOWN = "shutdown"
    """The guest began or asked for its own power-off; `stopped` follows."""


WatchCallback = Callable[[str, str], None]
"""Called as callback(server_id, event) on a thread of the driver's own; it may block, and call the driver."""


@dataclass(frozen=True, slots=True)
class DomainInfo:
    """A server's domain on the host.

    `vnc_socket` is the path of its graphical console's unix socket while there is one; root and the hypervisor alone
    may open it. `reason` is the hypervisor's word for a pause that Celerity did not ask for, `io_error` say, and
    `crashed` for a guest whose process ended by itself.
    `offloads`: it runs with a card that leaves checksums and large segments to the host. `list_domains` leaves out
    `vnc_socket` and `offloads`.
    """

    id: str
    name: str
    power_state: PowerState
    vnc_socket: str | None = None
    reason: str = ""
    offloads: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A driver's capabilities. Ask this; never ask a driver for its class."""

    pause: bool
    soft_reboot: bool
    vnc_console: bool
    real_guests: bool
    """False when nothing truly runs (the simulated driver)."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host's attributes. `disk_gib` is the size of the file system that holds the instances; `cpu_info` has
    vendor, model, arch, topology {sockets, cores, threads} and features (a list); `traits` are os-traits names
    (and CUSTOM_VIRT_TYPE_*, of how it virtualises). `topology` has the sets of processors and the NUMA cells, as the
    scheduler reads them; `vcpus` counts the processors that guests share.
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
    topology: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostUse:
    """A host's usage: by Celerity's domains (vcpus, ram), and on the instances' file system (disk)."""

    vcpus: int
    ram_mib: int
    disk_gib: int
    servers: int


class HypervisorDriver(GuestOperations, KeyOperations, LiveOperations, MigrationOperations, DiskDriver):
    """One host's hypervisor. Made by `workers.drivers.hypervisor.loader.load(name, options)`."""

    capabilities: Capabilities

    @abstractmethod
    def facts(self) -> HostFacts:
        """Return the host's attributes. Read-only. Raises HypervisorUnavailable if the hypervisor does not answer."""

    @abstractmethod
    def ping(self) -> None:
        """Return when the hypervisor answers. Asks about no domain, so no domain can delay it or make it fail.

        Raises HypervisorUnavailable.
        """

    @abstractmethod
    def use(self) -> HostUse:
        """Return the host's usage. Reads only; domains that vanish meanwhile are left out.

        Raises HypervisorUnavailable.
        """

    @abstractmethod
    def spawn(self, spec: ServerSpec) -> DomainInfo:
        """Define the server's domain and power it on.

        Success: the domain runs. A domain of this id that already runs is success and is not changed; one that is
        defined but off is redefined from the spec and started. Failure (SpawnFailed, HypervisorUnavailable,
        ImpossibleServer, ImageBroken): no domain of this id is left, unless it ran before the call. Files and ports of
        the spec are the caller's and untouched.
        """

    @abstractmethod
    def start(self, spec: ServerSpec) -> DomainInfo:
        """Power on a server that exists; a domain that is missing is defined again from the spec.

        Success: the domain runs (also: it ran already); a suspended guest continues where it was. Failure: it is off,
        and its definition may be left.
        """

    @abstractmethod
    def stop(self, server_id: str, graceful_timeout_s: float) -> None:
        """Power off: ask the guest by ACPI, wait up to `graceful_timeout_s` seconds (0: do not ask), then pull the
        plug.

        Success: the domain is off and still defined; off already, or absent, is success too. Memory that `suspend`
        saved is kept.
        Failure: its state is unchanged or off.
        """

    @abstractmethod
    def reboot(self, server_id: str, timeout_s: float) -> None:
        """Reboot softly: ask the guest to power off, wait up to `timeout_s` seconds, power on again.

        Success: the guest went down by itself and the domain runs again. Raises SoftRebootFailed when the guest did
        not go down in time (it still runs; the caller continues with `hard_reboot`), ServerNotFound when absent.
        """

    @abstractmethod
    def hard_reboot(self, spec: ServerSpec) -> DomainInfo:
        """Power off, redefine the domain from the spec, power on. Works from any state; saved memory is lost.

        Success: the domain runs as the spec says. Failure: it may be off, or gone; ask again.
        """

    def lend_tpm(self, server_id: str, secret: str) -> None:  # nothing to do without TPMs
        """Tell the hypervisor the secret of a server's TPM again, before a call that starts the guest without a spec.

        It forgets secrets when it restarts.
        """

    @abstractmethod
    def pause(self, server_id: str) -> None:
        """Freeze the virtual CPUs. Paused already is success. Raises ServerNotFound, ServerNotRunning."""

    @abstractmethod
    def unpause(self, server_id: str) -> None:
        """Let the virtual CPUs run again. Running already is success. Raises ServerNotFound, ServerNotRunning."""

    @abstractmethod
    def attach_interface(self, server_id: str, interface: InterfaceSpec) -> None:
        """Plug a card into the server, for now and for each later power-on.

        Success: a guest that is on has the card (also: it had it before). A domain that is off, or absent, gets it when
        it is defined for the next power-on. Failure (AttachFailed, NoFreeSlot): the server is without the card.
        """

    @abstractmethod
    def detach_interface(self, server_id: str, tap: str, timeout_s: float) -> None:
        """Ask the guest to release the card of this tap, and wait up to `timeout_s` seconds until it has.

        Success: neither the guest nor its definition has the card (also: it had none before, or there is no domain).
        Failure: GuestHoldsDevice when the guest did not release it in time; the server keeps the card.
        """

    @abstractmethod
    def destroy(self, server_id: str, *, keep: bool = True) -> None:
        """Power off at once and forget the domain. Absent is success. Disks and ports are not touched.

        `keep` has what the firmware and the TPM stored copied beside the disks; a delete needs no such copy.
        """

    @abstractmethod
    def info(self, server_id: str) -> DomainInfo | None:
        """Return a server's domain; None if no domain of Celerity's has this ID."""

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
        """Call `callback(server_id, event)` for every later event of Celerity's domains, whatever caused it.

        Survives a restart of the hypervisor's daemon: changes in between are reported when it is back.
        An event may arrive twice or late; `info` returns the current state. The driver's own actions are reported too
        (a soft reboot: stopped, started). Returns a function that ends it. Raises HypervisorUnavailable when the
        hypervisor does not answer now.
        """

    @abstractmethod
    def close(self) -> None:
        """Close connections and threads. The driver may be used again. Guests go on running."""
