"""Bound ports, for compute and the hosts: few queries for any number of servers."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet, UUIDField
from django.db.models.functions import Cast

from apps.networking import states
from apps.networking.models import Port
from apps.networking.sql import bindings as sql
from apps.networking.values import NetworkFacts, PortFacts, ServerAddress, SubnetFacts


def _bound() -> QuerySet[Port]:
    return Port.objects.filter(request_index__isnull=False)


def for_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ServerAddress]]:
    """Return each server's addresses, in the order of its interfaces. 1 query; servers without ports are absent."""
    rows = sql.ADDRESSES.fetch({"devices": [str(server_id) for server_id in server_ids]})
    addresses: dict[uuid.UUID, list[ServerAddress]] = defaultdict(list)
    for device_id, port_id, network_id, network_name, ip, mac, status, groups, floating_ips in rows:
        address = ServerAddress(
            port_id=port_id,
            network_id=network_id,
            network_name=network_name,
            ip=ip,
            version=6 if ":" in ip else 4,
            mac=mac,
            port_status=status,
            security_groups=tuple(groups),
            floating_ips=tuple(floating_ips),
        )
        addresses[uuid.UUID(device_id)].append(address)
    return dict(addresses)


def specs_for_server(*, server_id: uuid.UUID) -> tuple[PortFacts, ...]:
    """Return all a host needs to plug a server's ports, in the order of its interfaces. 1 query."""
    return _read(sql.OF_SERVER.fetch({"device": str(server_id)}))


def specs_for_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[PortFacts, ...]]:
    """The same for many servers. 1 query."""
    by_server: dict[uuid.UUID, list[PortFacts]] = defaultdict(list)
    for facts in _facts("p.device_id = ANY(%s) AND p.device_id <> ''", [str(server_id) for server_id in server_ids]):
        by_server[uuid.UUID(facts.server_id)].append(facts)
    return {server_id: tuple(ports) for server_id, ports in by_server.items()}


def specs_for_host(*, host: str) -> tuple[PortFacts, ...]:
    """Return every port that is bound to a host, or on its way there: what an agent restores after it started. 1
    query.
    """
    return _facts("(p.host = %s AND p.host <> '' OR p.moving_to = %s AND p.moving_to <> '')", host, host)


def specs_for_network(*, network_id: uuid.UUID, host: str | None = None) -> tuple[PortFacts, ...]:
    """Return the bound ports of a network, on one host or on all. 1 query."""
    if host is None:
        return _facts("p.network_id = %s", network_id)
    return _facts("p.network_id = %s AND p.host = %s", network_id, host)


def _facts(which: str, *values: Any) -> tuple[PortFacts, ...]:
    """Return the bound ports that a condition on ``networking_port p`` chooses."""
    statement = sql.FACTS.format(which=f"{which} AND p.request_index IS NOT NULL")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *values])
        return _read(cursor.fetchall())


def _read(rows: list[tuple[Any, ...]]) -> tuple[PortFacts, ...]:
    networks: dict[uuid.UUID, NetworkFacts] = {}
    facts = []
    for row in rows:
        network_id, name, mtu, subnets = row[-4:]
        if network_id not in networks:
            networks[network_id] = network_facts(network_id, name, mtu, orjson.loads(subnets or "[]"))
        facts.append(_port(row[:-4], networks[network_id]))
    return tuple(facts)


def _port(columns: Sequence[Any], network: NetworkFacts) -> PortFacts:
    port_id, device_id, project_id, host, mac, hostname, admin_state_up, status, *rest = columns
    port_security_enabled, preserved, fixed_ips, subport_routers = rest
    return PortFacts(
        id=port_id,
        server_id=device_id,
        project_id=project_id,
        host=host,
        tap=states.tap_of(port_id),
        mac=mac,
        fixed_ips=tuple((uuid.UUID(subnet), ip) for subnet, ip in orjson.loads(fixed_ips or "[]")),
        hostname=hostname,
        admin_state_up=admin_state_up,
        status=status,
        port_security_enabled=port_security_enabled,
        created=not preserved,
        network=network,
        subport_routers=tuple(subport_routers),
    )


def network_facts(network_id: uuid.UUID, name: str, mtu: int, subnets: list[dict[str, Any]]) -> NetworkFacts:
    """Return a network from its columns, ``subnets`` as the statements give them."""
    facts = tuple(
        SubnetFacts(
            id=uuid.UUID(subnet["id"]),
            cidr=subnet["cidr"],
            ip_version=subnet["ip_version"],
            gateway_ip=subnet["gateway_ip"],
            enable_dhcp=subnet["enable_dhcp"],
            dns_nameservers=tuple(subnet["dns_nameservers"]),
            host_routes=tuple((route["destination"], route["nexthop"]) for route in subnet["host_routes"]),
            dhcp_ip=subnet["dhcp_ip"],
            metadata_ip=subnet.get("metadata_ip"),
            ipv6_address_mode=subnet["ipv6_address_mode"],
            routers=tuple(subnet["routers"] or ()),
        )
        for subnet in subnets
    )
    return NetworkFacts(id=network_id, name=name, mtu=mtu, subnets=facts)


def bound_server_ids(*, host: str | None = None) -> set[uuid.UUID]:
    """Return the servers that hold bound ports, for reconcilers: on one host, or on all. 1 query."""
    rows = _bound() if host is None else _bound().filter(host=host)
    return {uuid.UUID(text) for text in rows.values_list("device_id", flat=True).distinct()}


def server_ids_by_address(*, pattern: str) -> QuerySet[Port]:
    """Return the ids of servers with an address that matches the regular expression, as a subquery."""
    rows = _bound().filter(fixed_ips__ip_address__regex=pattern)
    return rows.annotate(server_id=Cast("device_id", UUIDField())).values("server_id")  # type: ignore[return-value]


def server_ids_below(*, beginning: str) -> QuerySet[Port]:
    """Return the ids of servers with an address that begins so, as a subquery."""
    rows = _bound().filter(fixed_ips__ip_address__startswith=beginning.lower())
    return rows.annotate(server_id=Cast("device_id", UUIDField())).values("server_id")  # type: ignore[return-value]


def server_ids_at(*, address: str) -> QuerySet[Port]:
    """Return the ids of servers that have this address, as a subquery."""
    rows = _bound().filter(fixed_ips__ip_address=address)
    return rows.annotate(server_id=Cast("device_id", UUIDField())).values("server_id")  # type: ignore[return-value]
