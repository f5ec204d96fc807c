"""The contract's second part: a running guest's memory, interrupts and counters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import Event


@dataclass(frozen=True, slots=True)
class DiskCounters:
    """A disk's traffic since the guest was powered on. `errors` -1: the hypervisor does not count them."""

    target: str
    read_bytes: int = 0
    read_requests: int = 0
    write_bytes: int = 0
    write_requests: int = 0
    errors: int = -1


@dataclass(frozen=True, slots=True)
class CardCounters:
    """A network card's traffic since the guest was powered on, in octets and packets, as the guest sees it."""

    tap: str
    mac: str
    rx_octets: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_drop: int = 0
    tx_octets: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_drop: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """A running guest's counters: processors' times in nanoseconds, memory in KiB by libvirt's names."""

    driver: str
    hypervisor: str
    cpu_times_ns: tuple[int, ...]
    memory_kib: dict[str, int]
    disks: tuple[DiskCounters, ...]
    cards: tuple[CardCounters, ...]


class GuestOperations(ABC):
    """Operations on a guest that runs, or whose memory is saved."""

    @abstractmethod
    def suspend(self, server_id: str, stop: Event) -> None:
        """Save the guest's memory on the host and power it off.

        Success: `info` says suspended, also after a restart of the machine; suspended already is success. Failure: the
        guest runs on. Raises Stopped within 5 s after `stop` is set, SuspendFailed, ServerNotFound, ServerNotRunning.
        """

    @abstractmethod
    def resume(self, server_id: str) -> None:
        """Continue a suspended guest where it was; its saved memory is removed.

        Success: the guest runs (also: it ran already). Failure: it is suspended, as before. Raises ServerNotFound, and
        ServerNotRunning for a guest without saved memory.
        """

    @abstractmethod
    def inject_nmi(self, server_id: str) -> None:
        """Send the guest a non-maskable interrupt. Raises ServerNotFound, ServerNotRunning."""

    @abstractmethod
    def diagnostics(self, server_id: str) -> Diagnostics:
        """Return a running guest's counters. Reads only. Raises ServerNotFound, ServerNotRunning."""
