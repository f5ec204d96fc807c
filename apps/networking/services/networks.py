"""Writing networks. Callers have checked policy (``api/permissions.py``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, Network, Port
from apps.networking.selectors import availability_zones
from apps.networking.selectors import networks as selectors
from apps.networking.selectors import qos_policies as qos_policy_selectors
from apps.networking.services import floating_ips, ownership, qos_policies, quotas, rbac_policies
from apps.networking.services.requested_networks import automatic, resolve
from apps.networking.services.shared_objects import EXTERNAL, SHARED

__all__ = ["automatic", "create", "delete", "resolve", "update"]

TUNNEL_BYTES = 58  # of a packet, for Geneve


def create(*, context: RequestContext, values: dict[str, Any]) -> Network:
    """Make a network, with the project's default QoS policy unless ``values`` name one.

    Raises QosPolicyNotFound and ZoneNotFound (404), OverQuota, FlatNetworkInUse or VlanInUse for a segment that is
    taken, and DefaultNetworkExists (409).
    """
    project_id = ownership.of(context=context, values=values)
    qos_policies.check_change(context=context, values=values)
    if not values.get("qos_policy_id"):
        values = {**values, "qos_policy_id": qos_policy_selectors.default_id(project_id=project_id)}
    availability_zones.check(values.get("availability_zone_hints", ()))
    with _one_default(), transaction.atomic():
        quotas.check(resource="network", project_id=project_id)
        _refuse_taken_segment(values)
        network = Network(project_id=project_id, **{"mtu": default_mtu(), **_columns(values)})
        _check_mtu(network)
        network.save(force_insert=True)
        qos_policies.keep(context=context, policy_id=network.qos_policy_id)
        if network.shared:
            rbac_policies.open_to_all(network, SHARED)
        if network.external:
            rbac_policies.open_to_all(network, EXTERNAL)
        rpcapi.changed(networks=[network.id])
    return selectors.get(context=context, network_id=network.id)


@contextmanager
def _one_default() -> Iterator[None]:
    """Turn a second default external network into DefaultNetworkExists (409)."""
    try:
        yield
    except IntegrityError as error:
        if "network_one_default_external" not in str(error):
            raise
        other = Network.objects.filter(external=True, is_default=True).values_list("id", flat=True).first()
        raise exceptions.DefaultNetworkExists(id=other) from None


def _refuse_taken_segment(values: dict[str, Any]) -> None:
    """One untagged network and one of each tag on a physical network; the constraint holds it between requests."""
    physical_network, tag = values.get("physical_network"), values.get("segmentation_id")
    if not physical_network:
        return
    if Network.objects.filter(physical_network=physical_network, segmentation_id=tag).exists():
        if tag is None:
            raise exceptions.FlatNetworkInUse(physical_network=physical_network)
        raise exceptions.VlanInUse(vlan=tag, physical_network=physical_network)


def _check_mtu(network: Network, *, subnets: bool = False) -> None:
    """Raise InvalidInput (400) for an MTU beyond what carries the network, and NetworkMtuSubnetConflict (409) for one
    that its IPv6 ``subnets`` cannot have.
    """
    most = default_mtu() + (TUNNEL_BYTES if network.network_type in (states.FLAT, states.VLAN, states.LOCAL) else 0)
    if network.mtu > most:
        raise exceptions.InvalidInput(reason=f"Requested MTU is too big, maximum is {most}")
    if subnets and network.mtu < ranges.IPV6_MTU and network.subnets.filter(ip_version=6).exists():
        raise exceptions.NetworkMtuSubnetConflict(id=network.id, mtu=ranges.IPV6_MTU)


def default_mtu() -> int:
    """The MTU of a network that asks for none, in bytes."""
    return int(settings.NETWORK_MTU)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("project_id", "tenant_id")}


def update(*, context: RequestContext, network: Network, values: dict[str, Any]) -> Network:
    """Change a network.

    Raises NetworkInUse (409) when it stops being shared and others have ports on it, ExternalNetworkInUse (409)
    when it stops being external and routers have their gateway on it, and DefaultNetworkExists (409).
    """
    qos_policies.check_change(context=context, values=values, held_id=network.qos_policy_id)
    with _one_default(), transaction.atomic():
        if {"shared", "external"} & values.keys():
            _open_or_close(network, values)
        columns = {key: value for key, value in _columns(values).items() if key not in ("shared", "external")}
        if values.get("mtu", network.mtu) != network.mtu:
            network.mtu = values["mtu"]
            _check_mtu(network, subnets=True)
        Network.objects.filter(id=network.id).update(
            **columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        qos_policies.keep(context=context, policy_id=values.get("qos_policy_id"), held_id=network.qos_policy_id)
        if "qos_policy_id" in values:
            qos_policies.tell_network(network_id=network.id)
        rpcapi.changed(networks=[network.id])
    return selectors.get(context=context, network_id=network.id)


def _open_or_close(network: Network, values: dict[str, Any]) -> None:
    """Let everybody use a network or see it as external, or no longer."""
    locked = locks.network_to_delete(network.id)  # new ports wait in network_access.hold
    if locked is None:
        raise exceptions.NetworkNotFound(id=network.id)
    shared, external = values.get("shared", locked.shared), values.get("external", locked.external)
    if shared and not locked.shared:
        rbac_policies.open_to_all(locked, SHARED)
    elif locked.shared and not shared:
        if rbac_policies.depending(locked, SHARED, set(locked.shared_with)):
            raise exceptions.NetworkInUse(id=locked.id)
        rbac_policies.close_to_all(locked, SHARED)
    if external and not locked.external:
        rbac_policies.open_to_all(locked, EXTERNAL)
    elif locked.external and not external:
        if _leads_out(locked):
            raise exceptions.ExternalNetworkInUse(id=locked.id)
        rbac_policies.make_internal(locked)


def _leads_out(network: Network) -> bool:
    """Return whether routers or floating IPs use a network."""
    owners = (states.OWNER_ROUTER_GATEWAY, states.OWNER_FLOATING_IP)
    return Port.objects.filter(network=network, device_owner__in=owners).exists()


def delete(*, network: Network) -> None:
    """Delete a network with its subnets and loose floating IPs. Raises NetworkInUse (409) while ports are on it."""
    try:
        with transaction.atomic():
            locks.network_to_delete(network.id)
            locks.subnets_to_delete(network.id)
            own = Port.objects.filter(network=network, device_owner__in=(states.OWNER_DHCP, states.OWNER_DISTRIBUTED))
            FixedIP.objects.filter(port__in=own).delete()
            own.delete()
            floating_ips.delete_loose(network_id=network.id)
            if Port.objects.filter(network=network).exists():
                raise exceptions.NetworkInUse(id=network.id)
            rpcapi.changed(networks=[network.id])
            with rbac_policies.forgotten(network):
                network.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.NetworkInUse(id=network.id) from None
