"""Writing ports: through the API here, for servers in ``bindings``."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking import exceptions, states
from apps.networking.models import FixedIP, Network, Port, PortSecurityGroup, SecurityGroup
from apps.networking.selectors import networks as network_rows
from apps.networking.selectors import ports as rows
from apps.networking.selectors import subnets as subnet_rows
from apps.networking.services import fixed_ips, limits, owners, security_groups
from apps.networking.services.bindings import allocate_for_server, new_mac, release_for_server, set_status, unbind

__all__ = ["allocate_for_server", "create", "delete", "release_for_server", "set_status", "update"]

MAC_ATTEMPTS = 5
MAX_FIXED_IPS = 5

# Values that have a policy rule of their own, by the rule's last part.
_GUARDED = {
    "mac_address": "mac_address",
    "fixed_ips": "fixed_ips",
    "port_security_enabled": "port_security_enabled",
    "allowed_address_pairs": "allowed_address_pairs",
    "host": "binding:host_id",
    "profile": "binding:profile",
    "vnic_type": "binding:vnic_type",
}
_PLAIN = (
    "name",
    "description",
    "admin_state_up",
    "device_id",
    "device_owner",
    "host",
    "vnic_type",
    "profile",
    "port_security_enabled",
    "allowed_address_pairs",
    "extra_dhcp_opts",
)
# A server holds the port: these do not change under it, the host would not learn of it.
_FROZEN_WHILE_BOUND = ("mac_address", "fixed_ips", "device_id", "device_owner", "host")


def create(*, context: RequestContext, values: dict[str, Any]) -> Port:
    """Make a port, with an address of each IP version unless ``fixed_ips`` says otherwise ([] for none).

    Raises NetworkNotFound (404), InvalidIpForNetwork (400), IpAddressAlreadyAllocated, IpAddressGenerationFailure,
    MacAddressInUse, DeviceNotOwned, OverQuota (409).
    """
    project_id = owners.of(context=context, rule="create_port", values=values)
    network = network_rows.get(context=context, network_id=values["network_id"])
    _refuse_foreign_network(network, context)
    _check_guarded("create_port", context, project_id, network, values)
    groups = _groups(context, project_id, values)
    for attempt in range(MAC_ATTEMPTS):
        mac = values.get("mac_address") or new_mac()
        try:
            with transaction.atomic():
                limits.check(resource="port", project_id=project_id, rows=Port.objects.filter(project_id=project_id))
                port = Port.objects.create(
                    network=network,
                    project_id=project_id,
                    mac_address=mac,
                    **{"port_security_enabled": network.port_security_enabled, **_columns(values)},
                )
                _give_addresses(port, values.get("fixed_ips"))
                _set_groups(port, groups)
            return rows.get(context=context, port_id=port.id)
        except IntegrityError as error:
            if "port_mac_once_per_network" not in str(error):
                raise exceptions.NetworkNotFound(id=network.id) from error
            if values.get("mac_address") or attempt == MAC_ATTEMPTS - 1:
                raise exceptions.MacAddressInUse(network_id=network.id, mac=mac) from None
    raise AssertionError("unreachable")


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in _PLAIN if key in values}


def _refuse_foreign_network(network: Network, context: RequestContext) -> None:
    """External networks are seen by everybody and plugged into by their owner only."""
    if network.external and not network.shared and not context.is_admin and network.project_id != context.project_id:
        raise exceptions.ExternalNetworkForbidden(id=network.id)


def _check_guarded(
    action: str, context: RequestContext, project_id: str, network: Network, values: dict[str, Any]
) -> None:
    target = {"project_id": project_id, "network_project_id": network.project_id}
    for key, name in _GUARDED.items():
        if key in values:
            policy.check(context, f"{action}:{name}", target)
    if str(values.get("device_owner") or "").startswith(states.OWNER_NETWORK):
        policy.check(context, f"{action}:device_owner:network", target)
    device_id = values.get("device_id")
    foreign = Port.objects.filter(device_id=device_id).exclude(project_id=project_id)
    if device_id and not context.is_admin and foreign.exists():
        raise exceptions.DeviceNotOwned(device_id=device_id)


def _groups(context: RequestContext, project_id: str, values: dict[str, Any]) -> list[uuid.UUID]:
    wanted: Sequence[uuid.UUID] | None = values.get("security_groups")
    if wanted is None:
        return (
            [security_groups.ensure_default(project_id=project_id)] if values.get("port_security_enabled", True) else []
        )
    ids = list(dict.fromkeys(wanted))
    owned = SecurityGroup.objects.filter(id__in=ids)
    owned = owned if context.is_admin else owned.filter(project_id=project_id)
    found = set(owned.values_list("id", flat=True))
    for group_id in ids:
        if group_id not in found:
            raise exceptions.SecurityGroupNotFound(id=group_id)
    if ids and values.get("port_security_enabled") is False:
        raise exceptions.InvalidInput(reason="security_groups: port security must be enabled for security groups")
    return ids


def _set_groups(port: Port, groups: Sequence[uuid.UUID]) -> None:
    PortSecurityGroup.objects.filter(port=port).exclude(security_group_id__in=groups).delete()
    PortSecurityGroup.objects.bulk_create(
        [PortSecurityGroup(port=port, security_group_id=group) for group in groups], ignore_conflicts=True
    )


def _give_addresses(port: Port, wanted: Sequence[dict[str, Any]] | None) -> None:
    subnets = subnet_rows.by_network(network_ids=[port.network_id]).get(port.network_id, [])
    if wanted is None:
        if subnets:
            fixed_ips.draw_each_version(port_id=port.id, network_id=port.network_id, subnets=subnets)
        return
    if len(wanted) > MAX_FIXED_IPS:
        raise exceptions.InvalidInput(
            reason=f"fixed_ips: exceeded maximum amount of fixed ips per port ({MAX_FIXED_IPS})"
        )
    for one in wanted:
        subnet_id, ip = one.get("subnet_id"), one.get("ip_address")
        chosen = [subnet for subnet in subnets if subnet_id in (None, subnet.id)]
        if not chosen:
            raise exceptions.InvalidInput(
                reason=f"Failed to create port on network {port.network_id}, "
                f"because fixed_ips included invalid subnet {subnet_id}"
            )
        if ip is None:
            _draw(port, chosen, one_only=subnet_id is not None)
        else:
            _take(port, chosen, ip, subnet_id)


def _draw(port: Port, subnets: Sequence[Any], *, one_only: bool) -> None:
    if not one_only:
        fixed_ips.draw_each_version(port_id=port.id, network_id=port.network_id, subnets=subnets)
    elif fixed_ips.draw(port_id=port.id, subnet=subnets[0]) is None:
        raise exceptions.IpAddressGenerationFailure(id=port.network_id, network_id=port.network_id)


def _take(port: Port, subnets: Sequence[Any], ip: str, subnet_id: uuid.UUID | None) -> None:
    subnet = fixed_ips.subnet_of(ip, subnets)
    if subnet is None:
        raise (exceptions.InvalidIpForSubnet(ip=ip) if subnet_id else exceptions.InvalidIpForNetwork(ip=ip))
    if subnet.gateway_ip == ip:
        raise exceptions.IpAddressInUse(ip=ip, network_id=port.network_id)
    if not fixed_ips.take(port_id=port.id, subnet_id=subnet.id, ip=ip):
        raise exceptions.IpAddressAlreadyAllocated(ip=ip, subnet_id=subnet.id)


def update(*, context: RequestContext, port_id: uuid.UUID, values: dict[str, Any]) -> Port:
    """Change a port. While a server holds it, its addresses and its device stay (PortBound, 409)."""
    seen = rows.get(context=context, port_id=port_id)
    policy.check(context, "update_port", {"project_id": seen.project_id})
    _check_guarded("update_port", context, seen.project_id, seen.network, values)
    try:
        with transaction.atomic():
            port = Port.objects.select_for_update(no_key=True).filter(id=port_id).first()
            if port is None:
                raise exceptions.PortNotFound(id=port_id)
            _refuse_bound(port, values)
            _change_addresses(port, values)
            if "security_groups" in values or values.get("port_security_enabled") is False:
                values = {"port_security_enabled": port.port_security_enabled, "security_groups": [], **values}
                _set_groups(port, _groups(context, port.project_id, values))
            columns = _columns(values)
            if "mac_address" in values:
                columns["mac_address"] = values["mac_address"]
            Port.objects.filter(id=port.id).update(
                **columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
            )
    except IntegrityError:
        raise exceptions.MacAddressInUse(network_id=seen.network_id, mac=values.get("mac_address")) from None
    return rows.get(context=context, port_id=port_id)


def _refuse_bound(port: Port, values: dict[str, Any]) -> None:
    if not port.bound:
        return
    for key in _FROZEN_WHILE_BOUND:
        if key not in values or key == "fixed_ips":
            continue
        if values[key] != getattr(port, key):
            raise exceptions.PortBound(id=port.id, device_id=port.device_id, field=key)
    if "fixed_ips" in values and not _same_addresses(port, values["fixed_ips"]):
        raise exceptions.PortBound(id=port.id, device_id=port.device_id, field="fixed_ips")


def _same_addresses(port: Port, wanted: Sequence[dict[str, Any]]) -> bool:
    held = set(port.fixed_ips.values_list("ip_address", flat=True))
    return {one.get("ip_address") for one in wanted} == held


def _change_addresses(port: Port, values: dict[str, Any]) -> None:
    if "fixed_ips" not in values or (port.bound and _same_addresses(port, values["fixed_ips"])):
        return
    wanted = values["fixed_ips"]
    keep = {one["ip_address"] for one in wanted if one.get("ip_address")}
    FixedIP.objects.filter(port=port).exclude(ip_address__in=keep).delete()
    held = set(port.fixed_ips.values_list("ip_address", flat=True))
    _give_addresses(port, [one for one in wanted if one.get("ip_address") not in held])


def delete(*, context: RequestContext, port_id: uuid.UUID) -> None:
    """Delete a port that no server and no service of the network holds. Raises ServicePortInUse (409)."""
    seen = rows.get(context=context, port_id=port_id)
    policy.check(context, "delete_port", {"project_id": seen.project_id})
    with transaction.atomic():
        port = Port.objects.select_for_update().filter(id=port_id).first()
        if port is None:
            raise exceptions.PortNotFound(id=port_id)
        if port.bound or port.device_owner.startswith(states.OWNER_NETWORK):
            raise exceptions.ServicePortInUse(id=port.id, owner=port.device_owner)
        port.delete()


def free(*, port_ids: Sequence[uuid.UUID]) -> None:
    """Unbind ports whose server is gone, whatever held them: for reconcilers."""
    unbind(port_ids)
