"""Ways out that the cloud itself makes: its external network, and routers for networks that have none."""

import ipaddress
import uuid

from django.conf import settings
from django.db import transaction

from apps.networking import locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, Network, Router, RouterInterface, Subnet
from apps.networking.selectors import sharing
from apps.networking.services import fixed_ips, quotas, rbac_policies, service_ports
from apps.networking.services.shared_objects import EXTERNAL

PUBLIC = "public"
MTU = 1500  # bytes, of what is outside


def ensure_public(*, project_id: str) -> Network:
    """Return the external network on the hosts' bridge mapping `public`; if missing, it is created.

    Its range is CELERITY_EXTERNAL_CIDR, and its gateway the first address, which is the first machine's.
    """
    with transaction.atomic():
        locks.shared_network(PUBLIC)
        network = Network.objects.filter(physical_network=PUBLIC, segmentation_id=None).first()
        if network is None:
            network = Network.objects.create(
                project_id=project_id,
                name=PUBLIC,
                description="The world outside: floating IPs are addresses of it",
                external=True,
                is_default=not Network.objects.filter(external=True, is_default=True).exists(),
                network_type="flat",
                physical_network=PUBLIC,
                mtu=MTU,
            )
            rbac_policies.open_to_all(network, EXTERNAL)
            cidr = ranges.subnet_range(settings.EXTERNAL_CIDR, version=4, dhcp=False)
            gateway = ranges.default_gateway(cidr)
            Subnet.objects.create(
                network=network,
                project_id=project_id,
                name=PUBLIC,
                cidr=str(cidr),
                gateway_ip=str(gateway),
                enable_dhcp=False,
                allocation_pools=ranges.pool_documents(ranges.default_pools(cidr, gateway)),
            )
            rpcapi.changed(networks=[network.id])
    return network


def ensure_router(*, network: Network, external: Network) -> uuid.UUID | None:
    """Give a network a router with address translation to an external network; None if it has one, or no gateway."""
    with transaction.atomic():
        locks.network(network.id)
        if RouterInterface.objects.filter(port__network=network).exists():
            return None
        return _add_router(network, external)


def add_default_router(network: Network) -> None:
    """Give a network that was just made a router to the default external network, if its project may use one.

    Raises OverQuota (409) for a project that may have no further router or port.
    """
    usable = Network.objects.filter(sharing.usable_external(network.project_id))
    external = usable.filter(is_default=True).first()
    if external is not None:
        for resource in ("router", "port"):
            quotas.check(resource=resource, project_id=network.project_id)
        _add_router(network, external)


def _add_router(network: Network, external: Network) -> uuid.UUID | None:
    """Make the router with the addresses that the network's subnets call their gateways, and `states.gateway_mac`."""
    held = FixedIP.objects.filter(subnet__network=network).values_list("ip_address", flat=True)
    subnets = [
        subnet
        for subnet in network.subnets.order_by("created_at", "id")
        if _has_own_gateway(subnet) and not held.filter(ip_address=subnet.gateway_ip).exists()
    ]
    if not subnets:
        return None
    router = Router(project_id=network.project_id, name=network.name)
    foot = service_ports.make(
        network_id=network.id,
        owner=states.OWNER_ROUTER_INTERFACE,
        device_id=router.id,
        project_id=router.project_id,
        mac=states.gateway_mac(network.id),
    )
    for subnet in subnets:
        service_ports.take(foot, subnet=subnet, ip=subnet.gateway_ip or "")
    router.gateway_port = service_ports.make_external(
        network_id=external.id, owner=states.OWNER_ROUTER_GATEWAY, device_id=router.id
    )
    fixed_ips.draw_each_version(
        port_id=router.gateway_port.id,
        network_id=external.id,
        subnets=list(external.subnets.order_by("created_at", "id")),
    )
    router.save(force_insert=True)
    RouterInterface.objects.create(router=router, port=foot)
    rpcapi.changed(networks=[network.id, external.id], routers=[router.id])
    return router.id


def _has_own_gateway(subnet: Subnet) -> bool:
    if subnet.ip_version != 4 or subnet.gateway_ip is None:
        return False
    return ipaddress.ip_address(subnet.gateway_ip) in ipaddress.ip_network(subnet.cidr)
