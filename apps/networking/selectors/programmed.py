"""What the network engine programs, as rows say. A port that no server, trunk or router holds is not."""

import dataclasses
import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from apps.networking import protocols, states
from apps.networking.selectors.bindings import network_facts
from apps.networking.sql import programmed as sql
from apps.networking.values import (
    NetworkFacts,
    ProgrammedFloatingIP,
    ProgrammedForwarding,
    ProgrammedGroup,
    ProgrammedInterface,
    ProgrammedPort,
    ProgrammedQos,
    ProgrammedRouter,
    ProgrammedRule,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that is programmed. A port may be of a network that is not among these: they are read one after the other."""

    networks: dict[uuid.UUID, NetworkFacts]
    ports: list[ProgrammedPort]
    groups: list[ProgrammedGroup]
    routers: list[ProgrammedRouter]
    floating_ips: list[ProgrammedFloatingIP]


def ports(
    *,
    port_ids: Iterable[uuid.UUID] = (),
    network_ids: Iterable[uuid.UUID] = (),
    server_ids: Iterable[uuid.UUID] = (),
) -> list[ProgrammedPort]:
    """Return those of the ports, all of the networks and of the servers, and the subports of those that are parents.

    1 query, 2 where there are trunks.
    """
    values = {
        "ports": list(port_ids),
        "networks": list(network_ids),
        "servers": [str(server_id) for server_id in server_ids],
    }
    rows = sql.PORTS.fetch(values)
    if parents := [row[0] for row in rows if row[-1]]:
        rows = list({row[0]: row for row in [*rows, *sql.SUBPORTS.fetch({"parents": parents})]}.values())
    return [_port(*row) for row in rows]


def networks(*, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, NetworkFacts]:
    """Return those of the networks that exist, with their subnets. 1 query."""
    return _networks(sql.NETWORKS.fetch({"networks": list(network_ids)}))


def groups(*, group_ids: Iterable[uuid.UUID]) -> list[ProgrammedGroup]:
    """Return those of the groups that exist, and the groups that their rules name. 1 query."""
    return [_group(*row) for row in sql.GROUPS.fetch({"groups": list(group_ids)})]


def routers(*, router_ids: Iterable[uuid.UUID] = (), network_ids: Iterable[uuid.UUID] = ()) -> list[ProgrammedRouter]:
    """Return those of the routers that exist, and all that are on the networks. 1 query."""
    return [_router(*row) for row in sql.ROUTERS.fetch({"routers": list(router_ids), "networks": list(network_ids)})]


def floating_ips(
    *, floating_ip_ids: Iterable[uuid.UUID] = (), router_ids: Iterable[uuid.UUID] = ()
) -> list[ProgrammedFloatingIP]:
    """Return those of the floating IPs that lead somewhere, and all of the routers. 1 query."""
    values = {"floating_ips": list(floating_ip_ids), "routers": list(router_ids)}
    return [_floating_ip(*row) for row in sql.FLOATING_IPS.fetch(values)]


def everything() -> Everything:
    """Return all networks, bound ports, groups, routers and associated floating IPs. 5 queries."""
    return Everything(
        floating_ips=[_floating_ip(*row) for row in sql.ALL_FLOATING_IPS.fetch({})],
        routers=[_router(*row) for row in sql.ALL_ROUTERS.fetch({})],
        ports=[_port(*row) for row in sql.ALL_PORTS.fetch({})],
        groups=[_group(*row) for row in sql.ALL_GROUPS.fetch({})],
        networks=_networks(sql.ALL_NETWORKS.fetch({})),
    )


def _networks(rows: list[tuple[Any, ...]]) -> dict[uuid.UUID, NetworkFacts]:
    networks = {}
    for network_id, name, mtu, subnets, physical_network, segmentation_id, dns_domain, admin_up, kind in rows:
        facts = network_facts(network_id, name, mtu, orjson.loads(subnets or "[]"))
        networks[network_id] = dataclasses.replace(
            facts,
            physical_network=physical_network,
            segmentation_id=segmentation_id,
            dns_domain=dns_domain,
            admin_state_up=admin_up,
            is_local=kind == states.LOCAL,
        )
    return networks


def _port(
    port_id: uuid.UUID,
    network_id: uuid.UUID,
    hosts: str,
    mac: str,
    hostname: str,
    admin_state_up: bool,
    port_security_enabled: bool,
    address_pairs: str,
    fixed_ips: str | None,
    group_ids: list[uuid.UUID],
    rules: str | None,
    trunk: str | None,
    dns_name: str,
    dns_domain: str,
    options: str,
    device_id: str,
    is_parent: bool,
) -> ProgrammedPort:
    parent_id, tag, is_up, device_id = orjson.loads(trunk) if trunk else (None, None, True, device_id)
    return ProgrammedPort(
        id=port_id,
        network_id=network_id,
        **_hosts(hosts),
        mac=mac,
        hostname=hostname,
        admin_state_up=admin_state_up and is_up,
        port_security_enabled=port_security_enabled,
        address_pairs=tuple((pair["ip_address"], pair.get("mac_address")) for pair in orjson.loads(address_pairs)),
        fixed_ips=tuple((uuid.UUID(subnet), ip) for subnet, ip in orjson.loads(fixed_ips or "[]")),
        groups=tuple(group_ids),
        qos=_qos(rules),
        parent_id=uuid.UUID(parent_id) if parent_id else None,
        tag=tag,
        dns_name=dns_name,
        dns_domain=dns_domain,
        dhcp_options=_dhcp_options(options),
        device_id=device_id,
    )


def _hosts(text: str) -> dict[str, str]:
    host, _, moving_to = text.partition(",")
    return {"host": host, "moving_to": moving_to}


def _dhcp_options(text: str) -> tuple[tuple[str, str, int], ...]:
    options = orjson.loads(text)
    return tuple((option["opt_name"], option["opt_value"], option.get("ip_version", 4)) for option in options)


def _qos(rules: str | None) -> ProgrammedQos | None:
    """Return what the rules of a policy say; None without rules."""
    limits: dict[str, tuple[int, int]] = {}
    dscp = None
    for kind, direction, kbps, burst, mark in orjson.loads(rules or "[]"):
        if kind == states.DSCP_MARKING:
            dscp = mark
        else:
            limits[direction] = (kbps, burst)
    if not limits and dscp is None:
        return None
    return ProgrammedQos(egress=limits.get(states.EGRESS), ingress=limits.get(states.INGRESS), dscp=dscp)


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


def _router(
    router_id: uuid.UUID,
    admin_state_up: bool,
    enable_snat: bool,
    routes: str,
    gateway_port_id: uuid.UUID | None,
    feet: str | None,
    rules: str | None,
) -> ProgrammedRouter:
    interfaces = [_interface(*columns) for columns in orjson.loads(feet or "[]")]
    return ProgrammedRouter(
        id=router_id,
        admin_state_up=admin_state_up,
        enable_snat=enable_snat,
        interfaces=tuple(foot for foot in interfaces if foot.port_id != gateway_port_id),
        gateway=next((foot for foot in interfaces if foot.port_id == gateway_port_id), None),
        routes=tuple((route["destination"], route["nexthop"]) for route in orjson.loads(routes)),
        qos=_qos(rules),
    )


def _interface(
    port_id: str, network_id: str, mac: str, network: tuple[int, bool], addresses: list[Any] | None
) -> ProgrammedInterface:
    advertised = [(mode, servers) for _, _, _, mode, servers in addresses or () if mode]
    return ProgrammedInterface(
        port_id=uuid.UUID(port_id),
        network_id=uuid.UUID(network_id),
        mac=mac,
        addresses=tuple(f"{ip}/{length}" for ip, length, *_ in addresses or ()),
        gateways=tuple(gateway for _, _, gateway, *_ in addresses or () if gateway),
        mtu=network[0],
        admin_state_up=network[1],
        ipv6_ra_mode=advertised[0][0] if advertised else None,
        name_servers=tuple(server for _, servers in advertised for server in servers),
    )


def _floating_ip(
    floating_ip_id: uuid.UUID,
    router_id: uuid.UUID,
    ip: str,
    fixed_ip: str | None,
    forwardings: str | None,
    rules: str | None,
) -> ProgrammedFloatingIP:
    return ProgrammedFloatingIP(
        id=floating_ip_id,
        router_id=router_id,
        ip=ip,
        fixed_ip=fixed_ip,
        forwardings=tuple(_forwarding(*columns) for columns in orjson.loads(forwardings or "[]")),
        qos=_qos(rules),
    )


def _forwarding(
    protocol: str, external_start: int, external_end: int, ip: str, internal_start: int, internal_end: int
) -> ProgrammedForwarding:
    return ProgrammedForwarding(
        protocol=protocol,
        external=(external_start, external_end),
        fixed_ip=ip,
        internal=(internal_start, internal_end),
    )
