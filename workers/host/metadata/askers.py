"""Who asks: a network's device and a source address lead to a port of this host. Nothing that a guest says counts."""

import ipaddress
from collections.abc import Iterable, Mapping

from workers.drivers.network.ovn.known_ports import KnownPort

Table = Mapping[str, Mapping[str, KnownPort]]


def link_local(mac: str) -> str:
    """Return the link-local address that a MAC makes (RFC 4291); port security lets the card use no other."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + interface))


def table(ports: Iterable[KnownPort]) -> dict[str, dict[str, KnownPort]]:
    """Return network -> address -> port. An address that two ports have is nobody's."""
    networks: dict[str, dict[str, KnownPort]] = {}
    taken: set[tuple[str, str]] = set()
    for port in ports:
        addresses = networks.setdefault(port.network_id, {})
        for address in dict.fromkeys((*port.addresses, link_local(port.mac))):
            if (port.network_id, address) in taken:
                addresses.pop(address, None)
            else:
                taken.add((port.network_id, address))
                addresses[address] = port
    return networks


class Askers:
    """The ports by network and address. One thread replaces the table, others read it."""

    def __init__(self) -> None:
        self._table: Table = {}

    def replace(self, ports: Iterable[KnownPort]) -> None:
        self._table = table(ports)

    def drop_others(self, wanted: Table) -> None:
        """Drop at once what is not in ``wanted``. What is new there waits for `have`."""
        self._table = {
            network_id: {address: port for address, port in addresses.items() if new.get(address) == port}
            for network_id, addresses in self._table.items()
            if (new := wanted.get(network_id))
        }

    def have(self, network_id: str, ports: Mapping[str, KnownPort]) -> None:
        """Take a network's ports by address: its device knows their MACs now."""
        if self._table.get(network_id) != ports:
            self._table = {**self._table, network_id: ports}

    def find(self, network_id: str, address: str) -> KnownPort | None:
        """Return the port that has an address on a network. ``address`` may name its device after a %."""
        return self._table.get(network_id, {}).get(address.partition("%")[0])

    @property
    def size(self) -> int:
        return len({port.id for addresses in self._table.values() for port in addresses.values()})
