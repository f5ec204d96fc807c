"""A running domain's counters, as libvirt reads them from QEMU."""

from __future__ import annotations

import libvirt

from workers.drivers.hypervisor.errors import ServerNotRunning
from workers.drivers.hypervisor.guests import CardCounters, Diagnostics, DiskCounters
from workers.drivers.hypervisor.libvirt import domains
from workers.drivers.hypervisor.libvirt.host import parse


def read(domain: libvirt.virDomain, virt_type: str) -> Diagnostics:
    """Return the counters of a domain that is on. Raises ServerNotRunning."""
    if not domains.is_active(domain):
        raise ServerNotRunning("The server is not running.", details=domain.UUIDString())
    devices = parse(domain.XMLDesc()).find("devices")
    targets = [str(item.get("dev")) for item in devices.iterfind("disk/target")]
    cards = [
        (str(item.find("target").get("dev")), str(item.find("mac").get("address")))
        for item in devices.iterfind("interface")
    ]
    memory = domain.memoryStats()
    maximum = domain.info()[1]
    return Diagnostics(
        driver="libvirt",
        hypervisor=virt_type,
        cpu_times_ns=tuple(int(vcpu[2]) for vcpu in domain.vcpus()[0]),
        memory_kib={"maximum": int(maximum), **{str(name): int(value) for name, value in memory.items()}},
        disks=tuple(_disk(domain, target) for target in targets),
        cards=tuple(_card(domain, tap, mac) for tap, mac in cards),
    )


def _disk(domain: libvirt.virDomain, target: str) -> DiskCounters:
    read_requests, read_bytes, write_requests, write_bytes, errors = domain.blockStats(target)
    return DiskCounters(
        target=target,
        read_bytes=read_bytes,
        read_requests=read_requests,
        write_bytes=write_bytes,
        write_requests=write_requests,
        errors=errors,
    )


def _card(domain: libvirt.virDomain, tap: str, mac: str) -> CardCounters:
    """libvirt turns the tap's counters round: it counts as the guest does."""
    octets, packets, errors, drop, *sent = domain.interfaceStats(tap)
    return CardCounters(
        tap=tap,
        mac=mac,
        rx_octets=octets,
        rx_packets=packets,
        rx_errors=errors,
        rx_drop=drop,
        tx_octets=sent[0],
        tx_packets=sent[1],
        tx_errors=sent[2],
        tx_drop=sent[3],
    )
