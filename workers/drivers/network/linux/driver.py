"""The network contract on Linux: the order in which things are created, and removed in reverse."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workers.drivers import values
from workers.drivers.network.base import (
    Capabilities,
    Lease,
    NetworkDriver,
    NetworkSpec,
    PluggedPort,
    PortSpec,
)
from workers.drivers.network.errors import AddressOverlap, NetworkUnavailable
from workers.drivers.network.linux import bridge, nat, protected, tap
from workers.drivers.network.linux.dnsmasq import Dnsmasq
from workers.drivers.network.linux.records import Records
from workers.drivers.network.linux.release import release
from workers.drivers.network.ports import check_port, served_address
from workers.system import files, locks
from workers.system.paths import HostPaths
from workers.system.undo import Undo

_LOCK_TIMEOUT_S = 60.0
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class LinuxNetwork(NetworkDriver):
    """Options: `state_dir` (required), `lease_time_s` (86400), `metadata_port` (None: 169.254.169.254 is not served;
    else what is sent there comes to this port of the host), `management_ranges` (none: ranges, as texts, that no guest
    reaches and no network may hold).
    """

    capabilities = Capabilities(dhcp=True, nat=True, overlapping_ranges=False, real_packets=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self.paths = HostPaths(Path(options["state_dir"]))
        self.records = Records(self.paths)
        self.lease_time_s = int(options.get("lease_time_s", 86400))
        port = options.get("metadata_port")
        self.metadata_port = None if port is None else int(port)
        for text in options.get("management_ranges") or ():
            values.check_cidr(text)
        self.management = tuple(ipaddress.ip_network(text) for text in options.get("management_ranges") or ())

    def ensure_network(self, spec: NetworkSpec) -> None:
        with self._locked():
            self._ensure(spec)

    def plug(self, network: NetworkSpec, port: PortSpec) -> None:
        """The tap comes with the guest: libvirt makes it on the bridge."""
        check_port(network, port)
        with self._locked():
            self._ensure(network)
            with Undo() as undo:
                if self.records.port(network.id, port.id) is None:
                    undo.push(self._unplug, network.id, port.id)
                self.records.write_port(network.id, port)
                self._dnsmasq(network.id).add_port(port, served_address(network, port))
                undo.commit()

    def unplug(self, network_id: str, port_id: str) -> None:
        values.check_uuid(network_id, "a network's id")
        values.check_uuid(port_id, "a port's id")
        with self._locked():
            self._unplug(network_id, port_id)
            if self.records.network(network_id) is not None and not self.records.ports(network_id):
                self._remove(network_id)

    def remove_network(self, network_id: str) -> None:
        values.check_uuid(network_id, "a network's id")
        with self._locked():
            self._remove(network_id)

    def list_networks(self) -> tuple[str, ...]:
        return self.records.network_ids()

    def list_ports(self) -> tuple[PluggedPort, ...]:
        return tuple(port for network_id in self.list_networks() for port in self.records.ports(network_id))

    def faults(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> tuple[str, ...]:
        """Under the lock, so that work in progress is no fault."""
        with self._locked():
            if self.records.network(network.id) is None:
                return ()
            if not bridge.is_networks(network.bridge, network.id):
                return (f"the bridge {network.bridge} is missing",)
            dnsmasq = self._dnsmasq(network.id)
            if dnsmasq.is_needed(network) and not dnsmasq.is_running():
                return ("the DHCP server does not run",)
            return tuple(
                f"port {port.id} has no DHCP entry"
                for port in ports
                if self.records.port(network.id, port.id) is not None
                and served_address(network, port) is not None
                and not dnsmasq.has_port(port.id)
            )

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        strays: list[str] = []
        with self._locked():
            for network_id in self.list_networks():
                network = self.records.network(network_id)
                known = self.records.ports(network_id)
                strays += self._dnsmasq(network_id).strays({port.id for port in known}, remove=remove)
                if network is not None and bridge.is_networks(network.bridge, network.id):
                    strays += tap.strays(network.bridge, {port.tap for port in known}, remove=remove)
        return tuple(strays)

    def wait_until_up(self, port_ids: Sequence[str], timeout_s: float) -> None:
        """A bridge forwards as soon as the tap is there, and the hypervisor makes it."""

    def lease(self, network_id: str, port_id: str) -> Lease | None:
        port = self.records.port(network_id, port_id)
        return None if port is None else self._dnsmasq(network_id).lease_of(port.mac, port_id)

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One change of the host's networks at a time: a range is looked for and taken in one go."""
        files.make_directory(self.paths.root, 0o711)
        try:
            with locks.host_lock(self.paths.locks, "networks", timeout_s=_LOCK_TIMEOUT_S):
                yield
        except locks.LockTimeout as error:
            raise NetworkUnavailable("The host is busy with other networks.", details=str(error)) from error

    def _dnsmasq(self, network_id: str) -> Dnsmasq:
        return Dnsmasq(self.paths.network(network_id), self.lease_time_s, metadata=self.metadata_port is not None)

    def _ensure(self, spec: NetworkSpec) -> None:
        before = self.records.network(spec.id)
        if before is None or before.bridge != spec.bridge or not bridge.exists(spec.bridge):
            self._refuse_overlap(spec)
        if before is not None and before.bridge != spec.bridge:
            self._dismantle(before)
        with Undo() as undo:
            if before is None:
                undo.push(self._remove, spec.id)
            self.records.write_network(spec)
            bridge.ensure(spec)
            _ensure_forwarding(spec)
            nat.ensure(spec, self.metadata_port, self.management)
            self._dnsmasq(spec.id).ensure(spec)
            undo.commit()

    def _refuse_overlap(self, spec: NetworkSpec) -> None:
        bridge.refuse_overlap(spec)
        protected.refuse(spec, self.management)
        ranges = [ipaddress.ip_network(subnet.cidr) for subnet in spec.subnets]
        for network_id in self.records.network_ids():
            other = self.records.network(network_id) if network_id != spec.id else None
            for subnet in other.subnets if other is not None else ():
                taken = ipaddress.ip_network(subnet.cidr)
                if taken.version == 4 and any(network.version == 4 and network.overlaps(taken) for network in ranges):
                    raise AddressOverlap(
                        "The network's range overlaps with another subnet on this cloud. Use another range.",
                        details=f"network {network_id}: {taken}",
                    )

    def _unplug(self, network_id: str, port_id: str) -> None:
        port = self.records.port(network_id, port_id)
        network = self.records.network(network_id)
        dnsmasq = self._dnsmasq(network_id)
        dnsmasq.forget_port(port_id)
        if port is None:
            return
        tap.delete(port.tap)
        lease = dnsmasq.lease_of(port.mac, port_id)
        if lease is not None and network is not None:
            self._release(network, lease)
        self.records.forget_port(network_id, port_id)

    def _release(self, network: NetworkSpec, lease: Lease) -> None:
        for subnet in network.subnets:
            if subnet.host_ip and ipaddress.ip_address(lease.ip) in ipaddress.ip_network(subnet.cidr):
                with suppress(OSError):  # the bridge may be gone, and with it the lease's holder
                    release(network.bridge, lease.mac, lease.ip, subnet.host_ip)

    def _remove(self, network_id: str) -> None:
        network = self.records.network(network_id)
        for port in self.records.ports(network_id):
            tap.delete(port.tap)
        self._dnsmasq(network_id).end()
        if network is not None:
            self._dismantle(network)
        self.records.forget_network(network_id)

    def _dismantle(self, network: NetworkSpec) -> None:
        """Remove a network's objects from the kernel."""
        self._dnsmasq(network.id).end()
        nat.remove(network)
        bridge.remove(network.bridge, network.id)


def _ensure_forwarding(spec: NetworkSpec) -> None:
    if not spec.nat:
        return
    try:
        if _FORWARDING.read_text().strip() != "1":
            _FORWARDING.write_text("1")
    except OSError as error:
        raise NetworkUnavailable("The host does not forward packets.", details=str(error)) from error
