"""A project's resources in the network service, for deleting the project."""

from collections.abc import Callable
from typing import Any

from apps.common.context import RequestContext
from apps.identity.services.project_resources import ProjectResource
from apps.identity.services.project_resources import register as register_resource
from apps.networking import states
from apps.networking.models import (
    AddressGroup,
    AddressScope,
    FloatingIP,
    Network,
    Port,
    QosPolicy,
    Router,
    SecurityGroup,
    SubnetPool,
    Trunk,
)
from apps.networking.services import (
    address_groups,
    address_scopes,
    floating_ips,
    networks,
    port_forwardings,
    ports,
    qos_policies,
    router_interfaces,
    routers,
    security_groups,
    subnetpools,
    trunks,
)


def _counter(rows: Callable[[str], Any]) -> Callable[[str], int]:
    return lambda project_id: int(rows(project_id).count())


def _ports(project_id: str) -> Any:
    """Ports of a network's own services come and go with it."""
    return Port.objects.filter(project_id=project_id).exclude(device_owner__startswith=states.OWNER_NETWORK)


def _floating_ips(project_id: str) -> Any:
    return FloatingIP.objects.filter(project_id=project_id)


def _routers(project_id: str) -> Any:
    return Router.objects.filter(project_id=project_id)


def _trunks(project_id: str) -> Any:
    return Trunk.objects.filter(project_id=project_id)


def _networks(project_id: str) -> Any:
    return Network.objects.filter(project_id=project_id)


def _qos_policies(project_id: str) -> Any:
    return QosPolicy.objects.filter(project_id=project_id)


def _subnetpools(project_id: str) -> Any:
    return SubnetPool.objects.filter(project_id=project_id)


def _address_scopes(project_id: str) -> Any:
    return AddressScope.objects.filter(project_id=project_id)


def _address_groups(project_id: str) -> Any:
    return AddressGroup.objects.filter(project_id=project_id)


def _groups(project_id: str) -> Any:
    return SecurityGroup.objects.filter(project_id=project_id).exclude(name=security_groups.DEFAULT)


def _default_groups(project_id: str) -> Any:
    return SecurityGroup.objects.filter(project_id=project_id, name=security_groups.DEFAULT)


def _purge_floating_ips(context: RequestContext) -> None:
    for floating_ip in _floating_ips(str(context.project_id)):
        port_forwardings.delete_of_floating_ip(floating_ip=floating_ip)
        floating_ips.delete(floating_ip=floating_ip)


def _purge_trunks(context: RequestContext) -> None:
    for trunk in _trunks(str(context.project_id)):
        trunks.update(context=context, trunk=trunk, values={"admin_state_up": True})
        trunks.delete(trunk=trunk)


def _purge_routers(context: RequestContext) -> None:
    for router in _routers(str(context.project_id)):
        routers.update(context=context, router=router, values={"routes": []})
        for interface in router.interfaces.all():
            router_interfaces.remove(router=router, port_id=interface.port_id)
        routers.delete(router=router)


def _purge_ports(context: RequestContext) -> None:
    for port in _ports(str(context.project_id)):
        ports.delete(port=port)


def _purge_networks(context: RequestContext) -> None:
    for network in _networks(str(context.project_id)):
        networks.delete(network=network)


def _purge_qos_policies(context: RequestContext) -> None:
    for policy in _qos_policies(str(context.project_id)):
        qos_policies.delete(policy=policy)


def _purge_subnetpools(context: RequestContext) -> None:
    for pool in _subnetpools(str(context.project_id)):
        subnetpools.delete(subnetpool=pool)


def _purge_address_scopes(context: RequestContext) -> None:
    for scope in _address_scopes(str(context.project_id)):
        address_scopes.delete(address_scope=scope)


def _purge_address_groups(context: RequestContext) -> None:
    for group in _address_groups(str(context.project_id)):
        address_groups.delete(address_group=group)


def _purge_groups(context: RequestContext) -> None:
    for group in _groups(str(context.project_id)):
        security_groups.delete(context=context, group=group)


def _drop_default_groups(context: RequestContext) -> None:
    for group in _default_groups(str(context.project_id)):
        security_groups.delete(context=context, group=group)


def register() -> None:
    for noun, rows, purge, rank in (
        ("floating IPs", _floating_ips, _purge_floating_ips, 3),
        ("trunks", _trunks, _purge_trunks, 4),
        ("routers", _routers, _purge_routers, 5),
        ("ports", _ports, _purge_ports, 10),
        ("networks", _networks, _purge_networks, 20),
        ("QoS policies", _qos_policies, _purge_qos_policies, 21),
        ("subnet pools", _subnetpools, _purge_subnetpools, 22),
        ("address groups", _address_groups, _purge_address_groups, 35),
        ("address scopes", _address_scopes, _purge_address_scopes, 24),
        ("security groups", _groups, _purge_groups, 20),
    ):
        register_resource(ProjectResource(noun=noun, count=_counter(rows), purge=purge, rank=rank))
    # Every project has one automatically.
    default = ProjectResource(
        noun="default security groups",
        count=_counter(_default_groups),
        purge=_drop_default_groups,
        rank=30,
        counted=False,
    )
    register_resource(default)
