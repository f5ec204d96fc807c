"""Switched networks on OVN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from workers.drivers import values
from workers.drivers.network.base.l2 import L2Driver, NetworkSpec, PortSpec, PortState
from workers.drivers.network.ovn import dhcp, diff, dns, ports, qos, switches
from workers.drivers.network.ovn.northbound import Northbound
from workers.drivers.network.ovn.ovsdb import Operation, Query, by_uuid
from workers.drivers.network.ovn.rows import Row, of_network
from workers.drivers.network.ovn.wire import Value

PORT = "Logical_Switch_Port"
STATE_COLUMNS = ("name", "type", "up")


class OvnL2(L2Driver):
    """`resolvers`: the name servers in DHCP answers of subnets that name none."""

    def __init__(self, northbound: Northbound, resolvers: Sequence[str]) -> None:
        for address in resolvers:
            values.check_address(address)
        self._northbound, self._resolvers = northbound, tuple(resolvers)

    def network_rows(self, network: NetworkSpec) -> list[Row]:
        """All rows of a network but those of its ports."""
        return [*switches.rows(network), *dhcp.rows(network, self._resolvers)]

    def port_rows(self, network: NetworkSpec, port: PortSpec) -> list[Row]:
        """All rows of a port."""
        return ports.rows(network, port, self._resolvers)

    def ensure_network(self, network: NetworkSpec) -> None:
        rows = self.network_rows(network)
        kept = [row.uuid for row in rows]
        gone = [diff.removal_of_marked("DHCP_Options", of_network(network.id), but=kept)]
        if (way_out := switches.way_out_key(network.id)) not in kept:
            gone += diff.removal(PORT, way_out)
        self._northbound.ensure(rows, without=gone)

    def ensure_ports(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> None:
        of_ports = list({row.uuid: row for port in ports for row in self.port_rows(network, port)}.values())
        kept = {row.uuid for row in of_ports}
        gone = [operation for port in ports for operation in _beside(port.id, kept)]
        gone += [operation for port in ports for operation in qos.removal(port.id, but=frozenset(kept))]
        self._northbound.ensure([*self.network_rows(network), *of_ports], without=gone)

    def remove_ports(self, port_ids: Iterable[str]) -> None:
        operations = []
        for port_id in port_ids:
            values.check_uuid(port_id, "a port's id")
            operations += [*diff.removal(PORT, port_id), *_beside(port_id, set()), *qos.removal(port_id)]
        self._northbound.remove(operations)

    def remove_networks(self, network_ids: Iterable[str]) -> None:
        operations = []
        for network_id in network_ids:
            values.check_uuid(network_id, "a network's id")
            operations += diff.removal("Logical_Switch", network_id)
            operations += [diff.removal_of_marked(table, of_network(network_id)) for table in ("DHCP_Options", "DNS")]
            operations.append(diff.removal_of_marked("DHCP_Options", dhcp.of_ports(network_id)))
        self._northbound.remove(operations)

    def list_networks(self) -> frozenset[str]:
        (rows,) = self._northbound.database.select([("Logical_Switch", [], ())])
        return frozenset(str(row["_uuid"]) for row in rows)

    def list_ports(self) -> tuple[PortState, ...]:
        (rows,) = self._northbound.database.select([(PORT, [["type", "==", ""]], STATE_COLUMNS)])
        return _states(rows)

    def port_states(self, port_ids: Iterable[str]) -> tuple[PortState, ...]:
        queries: list[Query] = [(PORT, by_uuid(port_id), STATE_COLUMNS) for port_id in dict.fromkeys(port_ids)]
        return _states(row for rows in self._northbound.database.select(queries) for row in rows)


def state(row: Mapping[str, Value]) -> PortState | None:
    """A port's state from its row; None for a port that is no guest's."""
    return PortState(str(row["name"]), up=row["up"] is True) if row["type"] == "" else None


def _beside(port_id: str, kept: Set[str]) -> list[Operation]:
    """The removal of a port's names and DHCP options, but for those that are kept."""
    keys = [("DNS", dns.key(port_id)), *(("DHCP_Options", dhcp.key(port_id, version)) for version in dhcp.VERSIONS)]
    return [operation for table, key in keys if key not in kept for operation in diff.removal(table, key)]


def _states(rows: Iterable[Mapping[str, Value]]) -> tuple[PortState, ...]:
    known = [port for row in rows if (port := state(row)) is not None]
    return tuple(sorted(known, key=lambda port: port.id))
