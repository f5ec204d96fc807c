"""Routed networks on OVN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base.l3 import FloatingIPSpec, L3Driver, RouterSpec
from workers.drivers.network.ovn import diff, floating_ips, qos, routers, switch_ports, wire
from workers.drivers.network.ovn.northbound import Northbound
from workers.drivers.network.ovn.ovsdb import Operation, Query, by_uuid
from workers.drivers.network.ovn.rows import of_router


class OvnL3(L3Driver):
    """See L3Driver."""

    def __init__(self, northbound: Northbound) -> None:
        self._northbound = northbound

    def ensure_router(self, router: RouterSpec) -> None:
        rows = routers.rows(router)
        self._northbound.ensure(rows, without=self._dropped(router, {row.uuid for row in rows}))

    def remove_routers(self, router_ids: Iterable[str]) -> None:
        operations: list[Operation] = []
        for router_id in router_ids:
            values.check_uuid(router_id, "a router's id")
            operations += self._dropped(RouterSpec(router_id), set())
            operations += diff.removal(routers.TABLE, router_id)
            operations.append(diff.removal_of_marked(floating_ips.BALANCER, of_router(router_id)))
            operations += self._limits_of_floating_ips(router_id)
        self._northbound.remove(operations)

    def _limits_of_floating_ips(self, router_id: str) -> list[Operation]:
        """The removal of limits that the router's floating IPs have on the external network."""
        marked = [["external_ids", "includes", wire.encode(qos.of_floating_ips(router_id))]]
        (rows,) = self._northbound.database.select([(qos.TABLE, marked, ())])
        return [operation for row in rows for operation in diff.removal(qos.TABLE, str(row["_uuid"]))]

    def list_routers(self) -> frozenset[str]:
        (rows,) = self._northbound.database.select([(routers.TABLE, [], ())])
        return frozenset(str(row["_uuid"]) for row in rows)

    def ensure_floating_ips(self, floating_ips_: Sequence[FloatingIPSpec]) -> None:
        rows = [row for item in floating_ips_ for row in floating_ips.rows(item)]
        kept = frozenset(row.uuid for row in rows)
        gone = [operation for item in floating_ips_ for operation in floating_ips.removal(item.id, but=kept)]
        self._northbound.ensure(rows, without=gone)

    def remove_floating_ips(self, floating_ip_ids: Iterable[str]) -> None:
        operations: list[Operation] = []
        for floating_ip_id in floating_ip_ids:
            values.check_uuid(floating_ip_id, "a floating IP's id")
            operations += floating_ips.removal(floating_ip_id)
        self._northbound.remove(operations)

    def list_floating_ips(self) -> frozenset[str]:
        kind = [["type", "==", floating_ips.KIND]]
        queries: list[Query] = [(floating_ips.TABLE, kind, ()), (floating_ips.BALANCER, [], ("external_ids",))]
        translations, balancers = self._northbound.database.select(queries)
        marks = [row["external_ids"] for row in balancers]
        forwarding = {mark[floating_ips.MARK] for mark in marks if isinstance(mark, dict) and floating_ips.MARK in mark}
        return frozenset(str(row["_uuid"]) for row in translations) | forwarding

    def _dropped(self, router: RouterSpec, kept: set[str]) -> list[Operation]:
        """The removal of what the router has and its spec does not: ports with both ends, routes, translations."""
        mark = [["external_ids", "includes", wire.encode(of_router(router.id))]]
        queries: list[Query] = [
            (routers.TABLE, by_uuid(router.id), ("static_routes",)),
            (routers.PORT, mark, ("name",)),
            (routers.NAT, mark, ()),
            (qos.TABLE, mark, ()),
        ]
        own, ports, translations, limits = self._northbound.database.select(queries)
        routes = {str(uuid) for row in own for uuid in wire.normal(row["static_routes"])}
        feet = {str(row["_uuid"]): routers.port_id(str(row["name"])) for row in ports}
        gone = [(routers.ROUTE, uuid) for uuid in routes - kept]
        gone += [(routers.NAT, str(row["_uuid"])) for row in translations if row["_uuid"] not in kept]
        gone += [(qos.TABLE, str(row["_uuid"])) for row in limits if row["_uuid"] not in kept]
        for uuid, port_id in feet.items():
            if uuid not in kept:
                gone += [(routers.PORT, uuid), (switch_ports.TABLE, port_id)]
        return [operation for table, uuid in sorted(gone) for operation in diff.removal(table, uuid)]
