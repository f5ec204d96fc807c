"""Networks and bound ports as the network engine programs them. A port that no server holds is not programmed."""

import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from apps.networking import protocols, states
from apps.networking.selectors.bindings import network_facts
from apps.networking.sql import programmed as sql
from apps.networking.values import NetworkFacts, ProgrammedGroup, ProgrammedPort, ProgrammedRule


def ports(
    *,
    port_ids: Iterable[uuid.UUID] = (),
    network_ids: Iterable[uuid.UUID] = (),
    server_ids: Iterable[uuid.UUID] = (),
) -> list[ProgrammedPort]:
    """Return those of the ports, and all of the networks and of the servers. 1 query."""
    values = {
        "ports": list(port_ids),
        "networks": list(network_ids),
        "servers": [str(server_id) for server_id in server_ids],
    }
    return [_port(*row) for row in sql.PORTS.fetch(values)]


def networks(*, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, NetworkFacts]:
    """Return those of the networks that exist, with their subnets. 1 query."""
    return _networks(sql.NETWORKS.fetch({"networks": list(network_ids)}))


def groups(*, group_ids: Iterable[uuid.UUID]) -> list[ProgrammedGroup]:
    """Return those of the groups that exist, and the groups that their rules name. 1 query."""
    return [_group(*row) for row in sql.GROUPS.fetch({"groups": list(group_ids)})]


def everything() -> tuple[dict[uuid.UUID, NetworkFacts], list[ProgrammedPort], list[ProgrammedGroup]]:
    """Return all networks, bound ports and groups. 3 queries: a port may be of a network that is not among them."""
    all_ports = [_port(*row) for row in sql.ALL_PORTS.fetch({})]
    all_groups = [_group(*row) for row in sql.ALL_GROUPS.fetch({})]
    return _networks(sql.ALL_NETWORKS.fetch({})), all_ports, all_groups


def _networks(rows: list[tuple[Any, ...]]) -> dict[uuid.UUID, NetworkFacts]:
    return {row[0]: network_facts(row[0], row[1], row[2], orjson.loads(row[3] or "[]")) for row in rows}


def _port(
    port_id: uuid.UUID,
    network_id: uuid.UUID,
    host: str,
    mac: str,
    hostname: str,
    admin_state_up: bool,
    port_security_enabled: bool,
    address_pairs: str,
    fixed_ips: str | None,
    group_ids: list[uuid.UUID],
) -> ProgrammedPort:
    return ProgrammedPort(
        id=port_id,
        network_id=network_id,
        host=host,
        mac=mac,
        hostname=hostname,
        admin_state_up=admin_state_up,
        port_security_enabled=port_security_enabled,
        address_pairs=tuple((pair["ip_address"], pair.get("mac_address")) for pair in orjson.loads(address_pairs)),
        fixed_ips=tuple((uuid.UUID(subnet), ip) for subnet, ip in orjson.loads(fixed_ips or "[]")),
        groups=tuple(group_ids),
    )


def _group(group_id: uuid.UUID, stateful: bool, rules: str | None) -> ProgrammedGroup:
    listed = orjson.loads(rules or "[]")
    return ProgrammedGroup(id=group_id, stateful=stateful, rules=tuple(_rule(*columns) for columns in listed))


def _rule(
    direction: str,
    ethertype: str,
    protocol: str | None,
    low: int | None,
    high: int | None,
    remote_prefix: str | None,
    remote_group: str | None,
) -> ProgrammedRule:
    return ProgrammedRule(
        direction=direction,
        version=4 if ethertype == states.IPV4 else 6,
        protocol=protocols.matched(protocol),
        low=low,
        high=high,
        remote_prefix=remote_prefix,
        remote_group_id=uuid.UUID(remote_group) if remote_group else None,
    )
