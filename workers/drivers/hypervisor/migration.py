"""The part of the hypervisor contract about guests that move to another host while they run.

The source does it: `migrate`. It reaches the destination's hypervisor through that host's agent
(`workers.system.peers`). A guest runs on one host at every moment: it arrives paused, and is resumed after the source
has given it up. The rules of `workers.drivers.hypervisor.base` hold here too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import Literal, get_args

from workers.drivers.hypervisor.specs import ClusterSource, ExportSource, Placement
from workers.system.peers.client import Peer

Door = Literal["hypervisor", "memory", "disks"]
"""A socket that a migration needs of its destination: the hypervisor's daemon's, QEMU's for memory, and for disks."""
ARRIVAL, PLACED_ARRIVAL = "arrival", "arrival-placed"
"""What a source asks its destination for first; the second if it gives the guest places there."""
DOORS: tuple[Door, ...] = get_args(Door)


class Whereabouts(StrEnum):
    """Where a guest is whose migration ended, well or badly. A member equals its word."""

    HERE = "here"
    """On the source: it runs there."""
    THERE = "there"
    """On the destination: the source has given it up."""
    OFF = "off"
    """On the source, off: it powered itself off, or its process died."""


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """How a guest is moved. `downtime_ms` is the pause aimed at; `bandwidth_mib` in MiB/s, 0 for no limit.

    `runs`: whether it runs; else its owner paused it. `auto_converge`: slow down a guest that writes faster than is
    copied. `placement`: where its processors and memory are to be there; None: it has no such places. There is no
    post-copy: libvirt takes it only for guests that do not arrive paused, and one of those could run twice.
    """

    runs: bool = True
    downtime_ms: int = 300
    bandwidth_mib: int = 0
    auto_converge: bool = True
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is copied, in bytes."""

    memory_total: int = 0
    memory_processed: int = 0
    memory_remaining: int = 0
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration took: milliseconds in all and of the guest's pause, None where nothing is known."""

    total_ms: int | None = None
    downtime_ms: int | None = None


OnProgress = Callable[[Progress], None]


class MigrationOperations(ABC):
    """Moving a running guest."""

    @abstractmethod
    def arrival_facts(self, volumes: Mapping[str, ExportSource | ClusterSource]) -> bytes:
        """On the destination: return what the source's driver has to know of this host; only drivers read it.

        `volumes`: where this host has the server's volumes, by their ids. Keys of their clusters are known here then.
        """

    @abstractmethod
    def prepare_arrival(self, server_id: str) -> None:
        """On the destination: have what `migrate` needs of this host, apart from the server's files."""

    @abstractmethod
    def arrival_door(self, server_id: str, door: Door) -> str:
        """On the destination: return the path of a socket. Raises MigrationFailed where nothing was prepared."""

    @abstractmethod
    def check_migration(self, server_id: str, peer: Peer) -> None:
        """On the source: see that the destination can take the guest. Reads only.

        Raises MigrationImpossible with the reason in words: the guest's processor, a device that stays with its host. A
        guest that is off, or absent, is ServerNotRunning.
        """

    @abstractmethod
    def migrate(
        self, server_id: str, peer: Peer, options: MigrationOptions, progress: OnProgress, stop: Event
    ) -> Migrated:
        """On the source: move a guest that is on, with the disks that are files, and let it run there.

        The destination has empty disks of the same size. Success: the guest runs (or is paused, if it was) on the
        destination, and this host has no domain of it. Failure: `whereabouts` says where it is; the guest runs on the
        source unless it is THERE. Raises Stopped within 5 s after `stop` is set, MigrationFailed,
        HypervisorUnavailable, ServerNotRunning.
        """

    @abstractmethod
    def force_complete(self, server_id: str) -> None:
        """On the source: end a migration under way soon, at the price of a pause. None under way is success."""

    @abstractmethod
    def whereabouts(self, server_id: str, peer: Peer, *, runs: bool) -> Whereabouts:
        """On the source: end what a migration left whose process was killed, and say where the guest is. `runs`:
        whether it is to run.

        Success: HERE, the guest runs on this host and the destination has no domain of it, if it can be reached;
        THERE, it runs on the destination; OFF, this host has it, and it is off. Raises MigrationFailed while the
        destination has to be asked and does not answer.
        """

    @abstractmethod
    def has_arrived(self, server_id: str) -> bool:
        """On the destination: say whether all of a guest is here. Its source may have given it up, or not."""

    @abstractmethod
    def settle_arrival(self, server_id: str, *, runs: bool) -> None:
        """On the destination: forget what `prepare_arrival` made, and let a guest run that has arrived if `runs`."""
