"""What compute and the hosts read about bound ports: few queries for any number of servers."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery, UUIDField
from django.db.models.functions import Cast

from apps.networking import states
from apps.networking.models import FixedIP, Network, Port, Subnet
from apps.networking.values import NetworkFacts, PortFacts, ServerAddress, SubnetFacts


def _bound() -> QuerySet[Port]:
    return Port.objects.filter(request_index__isnull=False)


def for_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ServerAddress]]:
    """Return each server's addresses, in the order of its interfaces. 1 query; servers without ports are absent."""
    rows = (
        FixedIP.objects.filter(port__device_id__in=[str(one) for one in server_ids], port__request_index__isnull=False)
        .order_by("port__request_index", "id")
        .values_list(
            "port__device_id",
            "port_id",
            "port__network_id",
            "port__network__name",
            "ip_address",
            "port__mac_address",
            "port__status",
        )
    )
    found: dict[uuid.UUID, list[ServerAddress]] = defaultdict(list)
    for device_id, port_id, network_id, network_name, ip, mac, status in rows:
        address = ServerAddress(
            port_id=port_id,
            network_id=network_id,
            network_name=network_name,
            ip=ip,
            version=6 if ":" in ip else 4,
            mac=mac,
            port_status=status,
        )
        found[uuid.UUID(device_id)].append(address)
    return dict(found)


def specs_for_server(*, server_id: uuid.UUID) -> tuple[PortFacts, ...]:
    """Return all a host needs to plug a server's ports, in the order of its interfaces. 3 queries."""
    return _facts(_bound().filter(device_id=str(server_id)))


def specs_for_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[PortFacts, ...]]:
    """The same for many servers. 3 queries."""
    found: dict[uuid.UUID, list[PortFacts]] = defaultdict(list)
    for facts in _facts(_bound().filter(device_id__in=[str(one) for one in server_ids])):
        found[uuid.UUID(facts.server_id)].append(facts)
    return {server_id: tuple(ports) for server_id, ports in found.items()}


def specs_for_host(*, host: str) -> tuple[PortFacts, ...]:
    """Return every port that is bound to a host: what an agent restores after it started. 3 queries."""
    return _facts(_bound().filter(host=host))


def specs_for_network(*, network_id: uuid.UUID, host: str | None = None) -> tuple[PortFacts, ...]:
    """Return the bound ports of a network, on one host or on all. 3 queries."""
    rows = _bound().filter(network_id=network_id)
    return _facts(rows if host is None else rows.filter(host=host))


def _facts(rows: QuerySet[Port]) -> tuple[PortFacts, ...]:
    dhcp_ip = FixedIP.objects.filter(subnet=OuterRef("pk"), port__device_owner=states.OWNER_DHCP).values("ip_address")
    subnets = Subnet.objects.annotate(dhcp_ip=Subquery(dhcp_ip[:1])).order_by("created_at", "id")
    ports = (
        rows.select_related("network")
        .prefetch_related(Prefetch("fixed_ips", FixedIP.objects.order_by("id")), Prefetch("network__subnets", subnets))
        .order_by("device_id", "request_index")
    )
    networks: dict[uuid.UUID, NetworkFacts] = {}
    facts = []
    for port in ports:
        if port.network_id not in networks:
            networks[port.network_id] = _network(port.network)
        facts.append(_port(port, networks[port.network_id]))
    return tuple(facts)


def _port(port: Port, network: NetworkFacts) -> PortFacts:
    return PortFacts(
        id=port.id,
        server_id=port.device_id,
        project_id=port.project_id,
        host=port.host,
        tap=port.tap,
        mac=port.mac_address,
        fixed_ips=tuple((fixed.subnet_id, fixed.ip_address) for fixed in port.fixed_ips.all()),
        hostname=port.hostname,
        admin_state_up=port.admin_state_up,
        status=port.status,
        port_security_enabled=port.port_security_enabled,
        created=not port.preserved,
        network=network,
    )


def _network(network: Network) -> NetworkFacts:
    subnets = tuple(
        SubnetFacts(
            id=subnet.id,
            cidr=subnet.cidr,
            ip_version=subnet.ip_version,
            gateway_ip=subnet.gateway_ip,
            enable_dhcp=subnet.enable_dhcp,
            dns_nameservers=tuple(subnet.dns_nameservers),
            host_routes=tuple((route["destination"], route["nexthop"]) for route in subnet.host_routes),
            dhcp_ip=subnet.dhcp_ip,  # type: ignore[attr-defined]
        )
        for subnet in network.subnets.all()
    )
    return NetworkFacts(id=network.id, name=network.name, bridge=network.bridge, mtu=network.mtu, subnets=subnets)


def bound_server_ids(*, host: str | None = None) -> set[uuid.UUID]:
    """Return the servers that hold bound ports, for reconcilers: on one host, or on all. 1 query."""
    rows = _bound() if host is None else _bound().filter(host=host)
    return {uuid.UUID(text) for text in rows.values_list("device_id", flat=True).distinct()}


def server_ids_by_address(*, pattern: str) -> QuerySet[Port]:
    """Return the ids of servers with an address that matches the regular expression, as a subquery."""
    rows = _bound().filter(fixed_ips__ip_address__regex=pattern)
    return rows.annotate(server_id=Cast("device_id", UUIDField())).values("server_id")  # type: ignore[return-value]
