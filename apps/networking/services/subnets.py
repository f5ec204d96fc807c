"""Writing subnets. Callers have checked policy (``api/permissions.py``)."""

import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, Network, Port, Subnet, SubnetPool
from apps.networking.services import bindings, fixed_ips, metadata_ports, port_addresses, quotas, subnet_ranges

MAX_NAMESERVERS = 5
MAX_ROUTES = 20


def create(*, context: RequestContext, network: Network, values: dict[str, Any]) -> Subnet:
    """Make a subnet of a network. ``gateway_ip`` absent means the first address.

    ``values`` has ``cidr``, or asks for a range of a subnet pool.

    Raises InvalidInput (400; also for a range that overlaps another of the network), the errors of allocation pools
    (400, 409), those of ``subnet_ranges`` (400, 404, 409), OverQuota (409).
    """
    pool = subnet_ranges.pool_of(context, values)
    columns = _checked(values, pool) if values.get("cidr") is not None else {}
    with transaction.atomic():
        quotas.check(resource="subnet", project_id=network.project_id)
        if pool is not None:
            cidr = subnet_ranges.allocate(context, pool, values, project_id=network.project_id)
            columns = _checked({**values, "cidr": cidr}, pool)
        if locks.network(network.id) is None:
            raise exceptions.NetworkNotFound(id=network.id)
        subnet_ranges.check_network(network, pool, columns["ip_version"])
        if columns["ip_version"] == 6 and network.mtu < ranges.IPV6_MTU:
            raise exceptions.NetworkMtuSubnetConflict(id=network.id, mtu=ranges.IPV6_MTU)
        _refuse_overlap(network, columns["cidr"])
        subnet = Subnet.objects.create(network=network, subnetpool=pool, project_id=network.project_id, **columns)
        _update_dhcp_port(subnet)
        metadata_ports.update(subnet)
        if ranges.is_automatic(subnet):
            port_addresses.add_automatic(subnet)
        rpcapi.changed(networks=[network.id])
    return subnet


def _check_modes(values: dict[str, Any], cidr: ranges.Range) -> None:
    """Refuse IPv6 modes that contradict each other, or that this range cannot have. Raises InvalidInput (400)."""
    ra, address = values.get("ipv6_ra_mode"), values.get("ipv6_address_mode")
    if not ra and not address:
        return
    if not values.get("enable_dhcp", True):
        raise exceptions.InvalidInput(
            reason="ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False"
        )
    if ra and address and ra != address:
        raise exceptions.InvalidInput(
            reason=f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. If both "
            "attributes are set, they must be the same value"
        )
    if {ra, address} & set(ranges.AUTOMATIC_MODES) and cidr.prefixlen != 64:
        raise exceptions.InvalidInput(
            reason=f"Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, which "
            "requires the prefix to be /64"
        )


def _checked(values: dict[str, Any], pool: SubnetPool | None) -> dict[str, Any]:
    """Return the columns of a new subnet; its IP version is by default that of its pool or of its range."""
    version = values.get("ip_version")
    if version is None:
        version = pool.ip_version if pool else ranges.network(values["cidr"], field="cidr").version
    cidr = ranges.subnet_range(values["cidr"], version=version, dhcp=values.get("enable_dhcp", True))
    _check_modes(values, cidr)
    gateway: ranges.Address | None = ranges.default_gateway(cidr)
    if "gateway_ip" in values:
        gateway = ranges.address(values["gateway_ip"], field="gateway_ip") if values["gateway_ip"] else None
    if gateway is not None:
        ranges.check_gateway(gateway, cidr)
    if values.get("allocation_pools"):
        pools = ranges.parse_pools(values["allocation_pools"], cidr, gateway)
    else:
        pools = ranges.default_pools(cidr, gateway)
    names = ("name", "description", "enable_dhcp", "ipv6_address_mode", "ipv6_ra_mode", "service_types")
    servers = values.get("dns_nameservers")
    return {
        **{name: values[name] for name in names if name in values},
        "ip_version": version,
        "cidr": str(cidr),
        "gateway_ip": str(gateway) if gateway else None,
        "allocation_pools": ranges.pool_documents(pools),
        "dns_nameservers": nameservers(servers if servers is not None else settings.DNS_NAMESERVERS),
        "host_routes": routes(values.get("host_routes") or [], version=version),
    }


def nameservers(texts: list[str]) -> list[str]:
    """Return name servers, each parsed. Raises InvalidInput (400) for an invalid address, a duplicate, or too many."""
    addresses = [str(ranges.address(text, field="dns_nameservers")) for text in texts]
    if len(addresses) > MAX_NAMESERVERS:
        raise exceptions.InvalidInput(reason=f"dns_nameservers: more than {MAX_NAMESERVERS} name servers")
    if len(set(addresses)) != len(addresses):
        raise exceptions.InvalidInput(reason="dns_nameservers: a name server is named twice")
    return addresses


def routes(documents: list[dict[str, Any]], *, version: int) -> list[dict[str, str]]:
    """Return routes, each parsed. Raises InvalidInput."""
    if len(documents) > MAX_ROUTES:
        raise exceptions.InvalidInput(reason=f"host_routes: more than {MAX_ROUTES} routes")
    parsed = []
    for document in documents:
        destination = ranges.network(document.get("destination"), field="host_routes.destination")
        nexthop = ranges.address(document.get("nexthop"), field="host_routes.nexthop")
        if destination.version != version or nexthop.version != version:
            raise exceptions.InvalidInput(reason="host_routes: the IP version differs from the subnet's")
        parsed.append({"destination": str(destination), "nexthop": str(nexthop)})
    return parsed


def _refuse_overlap(network: Network, text: str) -> None:
    cidr = ranges.network(text, field="cidr")
    for other in Subnet.objects.filter(network=network).values_list("cidr", flat=True):
        if ranges.overlap(cidr, ranges.network(other, field="cidr")):
            raise exceptions.RangeTaken(cidr=cidr, network_id=network.id, whose=f" ({other})")


def _update_dhcp_port(subnet: Subnet) -> None:
    """Give DHCP its own address if no gateway in the range serves it; remove it if one does."""
    cidr = ranges.network(subnet.cidr, field="cidr")
    gateway = ranges.address(subnet.gateway_ip, field="gateway_ip") if subnet.gateway_ip else None
    needed = subnet.enable_dhcp and ranges.inside(cidr, gateway) is None and subnet.ip_version == 4
    present = Port.objects.filter(fixed_ips__subnet=subnet, device_owner=states.OWNER_DHCP)
    if not needed:
        ids = list(present.values_list("id", flat=True))
        FixedIP.objects.filter(port_id__in=ids).delete()
        Port.objects.filter(id__in=ids).delete()
    elif not present.exists():
        port = Port.objects.create(
            network_id=subnet.network_id,
            project_id=subnet.project_id,
            mac_address=bindings.new_mac(),
            device_owner=states.OWNER_DHCP,
            device_id=f"dhcp-{subnet.id}",
            status=states.ACTIVE,
        )
        if fixed_ips.draw(port_id=port.id, subnet=subnet) is None:
            raise exceptions.IpAddressGenerationFailure(id=subnet.network_id, network_id=subnet.network_id)


def update(*, subnet: Subnet, values: dict[str, Any]) -> Subnet:
    """Change a subnet. Running guests learn at their next lease.

    Raises SubnetNotFound (404), and GatewayIpInUse (409) for a gateway that a port holds.
    """
    with transaction.atomic():
        subnet = _locked(subnet.id)
        cidr = ranges.network(subnet.cidr, field="cidr")
        if values.get("enable_dhcp") is False and (subnet.ipv6_ra_mode or subnet.ipv6_address_mode):
            raise exceptions.InvalidInput(reason="Cannot disable enable_dhcp with ipv6 attributes set")
        for key in ("name", "description", "enable_dhcp", "service_types"):
            if key in values:
                setattr(subnet, key, values[key])
        if "dns_nameservers" in values:
            subnet.dns_nameservers = nameservers(values["dns_nameservers"] or [])
        if "host_routes" in values:
            subnet.host_routes = routes(values["host_routes"] or [], version=subnet.ip_version)
        _change_addresses(subnet, cidr, values)
        subnet.revision_number += 1
        subnet.save()
        _update_dhcp_port(subnet)
        metadata_ports.update(subnet)
        rpcapi.changed(networks=[subnet.network_id])
    return subnet


def _locked(subnet_id: uuid.UUID) -> Subnet:
    try:
        return locks.subnet(subnet_id)
    except Subnet.DoesNotExist:
        raise exceptions.SubnetNotFound(id=subnet_id) from None


def _change_addresses(subnet: Subnet, cidr: ranges.Range, values: dict[str, Any]) -> None:
    if values.get("enable_dhcp"):
        ranges.subnet_range(subnet.cidr, version=subnet.ip_version, dhcp=True)
    gateway = ranges.address(subnet.gateway_ip, field="gateway_ip") if subnet.gateway_ip else None
    if "gateway_ip" in values:
        gateway = ranges.address(values["gateway_ip"], field="gateway_ip") if values["gateway_ip"] else None
        if gateway is not None:
            ranges.check_gateway(gateway, cidr)
        _change_gateway(subnet, str(gateway) if gateway else None)
    pools = values.get("allocation_pools") or subnet.allocation_pools
    subnet.allocation_pools = ranges.pool_documents(ranges.parse_pools(pools, cidr, gateway))


def _change_gateway(subnet: Subnet, ip: str | None) -> None:
    """Raises IpAddressInUse for an address that a port holds, GatewayIpInUse while a router is the gateway (409)."""
    if ip == subnet.gateway_ip:
        return
    held = FixedIP.objects.filter(subnet=subnet)
    if ip is not None and held.filter(ip_address=ip).exists():
        raise exceptions.IpAddressInUse(ip=ip, network_id=subnet.network_id)
    router = held.filter(ip_address=subnet.gateway_ip, port__device_owner=states.OWNER_ROUTER_INTERFACE).first()
    if router is not None:
        raise exceptions.GatewayIpInUse(ip=subnet.gateway_ip, port_id=router.port_id)
    subnet.gateway_ip = ip


def delete(*, subnet: Subnet) -> None:
    """Delete a subnet that no port has an address in. Raises SubnetInUse (409)."""
    try:
        with transaction.atomic():
            locks.subnet_to_delete(subnet.id)
            metadata_ports.release(subnet)
            own = list(
                Port.objects.filter(fixed_ips__subnet=subnet, device_owner=states.OWNER_DHCP).values_list(
                    "id", flat=True
                )
            )
            FixedIP.objects.filter(port_id__in=own).delete()
            Port.objects.filter(id__in=own).delete()
            if ranges.is_automatic(subnet):  # guests make these addresses, and give them up with the subnet
                FixedIP.objects.filter(subnet=subnet).exclude(port__device_owner__startswith="network:").delete()
            rpcapi.changed(networks=[subnet.network_id])
            subnet.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.SubnetInUse(id=subnet.id) from None
