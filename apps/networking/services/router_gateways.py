"""A router's gateway to an external network. Callers hold the router's lock."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking import exceptions, states
from apps.networking.models import FloatingIP, Network, Router, Subnet
from apps.networking.selectors import networks
from apps.networking.services import port_addresses, qos_policies, router_interfaces, service_ports

Info = dict[str, Any] | None


def change(*, context: RequestContext, router: Router, info: Info) -> None:
    """Give a router this gateway (``external_gateway_info``), or none; the same network keeps its addresses.

    Writes the router's columns. Raises NetworkNotFound (404), RouterRefused and errors of addresses (400, 409), and
    RouterGatewayNeeded (409) while floating IPs lead through the gateway.
    """
    network = _network(context, info) if info else None
    held_id = router.qos_policy_id
    policy_id = info.get("qos_policy_id", router.qos_policy_id) if info else None
    if info:  # a gateway that goes takes its policy with it, also an operator's
        qos_policies.check_change(context=context, values=info, held_id=held_id)
    wanted = (info or {}).get("external_fixed_ips") or []
    if network is not None:
        _refuse_gateways_of(network, wanted)
    held = router.gateway_port
    if held is not None and network is not None and held.network_id == network.id:
        if wanted:
            service_ports.change_addresses(held, wanted)
    else:
        _clear(router)
        if network is not None:
            _open(router, network, wanted)
    router.enable_snat = (info or {}).get("enable_snat", True)
    router.qos_policy_id = policy_id
    router.save(update_fields=["gateway_port", "enable_snat", "qos_policy"])
    qos_policies.keep(context=context, policy_id=policy_id, held_id=held_id)


def _network(context: RequestContext, info: dict[str, Any]) -> Network:
    network = networks.get(context=context, network_id=info["network_id"])
    if not network.external:
        raise exceptions.RouterRefused(reason=f"Network {network.id} is not an external network")
    return network


def _refuse_gateways_of(network: Network, wanted: list[dict[str, Any]]) -> None:
    taken = set(Subnet.objects.filter(network=network).values_list("gateway_ip", flat=True))
    for entry in wanted:
        if entry.get("ip_address") in taken and entry.get("ip_address"):
            raise exceptions.RouterRefused(reason=f"External IP {entry['ip_address']} is the same as the gateway IP")


def _clear(router: Router) -> None:
    port = router.gateway_port
    if port is None:
        return
    if FloatingIP.objects.filter(router=router).exists():
        raise exceptions.RouterGatewayNeeded(id=router.id, network_id=port.network_id)
    router.gateway_port = None
    router.save(update_fields=["gateway_port"])
    service_ports.remove([port.id])


def _open(router: Router, network: Network, wanted: list[dict[str, Any]]) -> None:
    feet = [(subnet.cidr.partition("/")[0], subnet) for subnet in Subnet.objects.filter(network=network)]
    router_interfaces.refuse_overlap(router, feet)
    port = service_ports.make_external(network_id=network.id, owner=states.OWNER_ROUTER_GATEWAY, device_id=router.id)
    port_addresses.give(port, wanted or None)
    router.gateway_port = port


def remove(router: Router) -> None:
    """Take away the gateway of a router that is being deleted. Raises RouterGatewayNeeded (409)."""
    _clear(router)
