"""Writing ports: through the API here, for servers in ``bindings``. Callers have checked policy."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi, states
from apps.networking.models import Network, Port, PortSecurityGroup, SecurityGroup
from apps.networking.selectors import ports as selectors
from apps.networking.selectors.sharing import shared_with
from apps.networking.services import (
    floating_ips,
    flow_budget,
    network_access,
    ownership,
    port_addresses,
    port_forwardings,
    qos_policies,
    quotas,
    router_interfaces,
    security_groups,
    shared_use,
    trunks,
)
from apps.networking.services.bindings import allocate_for_server, new_mac, release_for_server, set_status, unbind

__all__ = ["allocate_for_server", "create", "delete", "release_for_server", "set_status", "update"]

MAC_ATTEMPTS = 5

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
    "qos_policy_id",
    "dns_name",
    "dns_domain",
)
# A server holds the port: these do not change under it, the host would not learn of it.
_FROZEN_WHILE_BOUND = ("mac_address", "fixed_ips", "device_id", "device_owner", "host")
_FROZEN_IN_TRUNK = ("device_id", "device_owner")


def create(*, context: RequestContext, network: Network, values: dict[str, Any]) -> Port:
    """Make a port on a network, with an address of each IP version unless ``fixed_ips`` says otherwise ([] for none).

    Missing values are inherited from the network before the check.

    Raises NetworkNotFound (404), InvalidIpForNetwork, AllocationOnAutoAddressSubnet, GroupsNeedPortSecurity (400),
    IpAddressAlreadyAllocated, IpAddressGenerationFailure, MacAddressInUse, DeviceNotOwned, PairsNeedPortSecurity,
    OverQuota (409).
    """
    project_id = ownership.of(context=context, values=values)
    network_access.refuse_external(context=context, network=network)
    _refuse_foreign_device(context, project_id, values)
    qos_policies.check_change(context=context, values=values)
    values = {"port_security_enabled": network.port_security_enabled, **values}
    _check_security(values, pairs=values.get("allowed_address_pairs"), held_groups=False)
    groups, foreign = _groups(context, project_id, values)
    for attempt in range(MAC_ATTEMPTS):
        mac = values.get("mac_address") or new_mac()
        try:
            with transaction.atomic():
                quotas.check(resource="port", project_id=project_id)
                port = Port.objects.create(
                    network=network,
                    project_id=project_id,
                    mac_address=mac,
                    **_columns(values, mac),
                )
                network_access.keep(context=context, network=network)
                port_addresses.give(port, values.get("fixed_ips"))
                _set_groups(port, groups, foreign)
                qos_policies.keep(context=context, policy_id=port.qos_policy_id)
            return selectors.get(context=context, port_id=port.id)
        except IntegrityError as error:
            if "port_mac_once_per_network" not in str(error):
                raise exceptions.NetworkNotFound(id=network.id) from error
            if values.get("mac_address") or attempt == MAC_ATTEMPTS - 1:
                raise exceptions.MacAddressInUse(network_id=network.id, mac=mac) from None
    raise AssertionError("unreachable")


def _columns(values: dict[str, Any], mac: str, options: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the columns of a port; ``options`` are the DHCP options that it has."""
    columns = {key: values[key] for key in _PLAIN if key in values}
    if "extra_dhcp_opts" in columns:
        columns["extra_dhcp_opts"] = _merged(options, columns["extra_dhcp_opts"])
    if "allowed_address_pairs" in columns:
        columns["allowed_address_pairs"] = _pairs(columns["allowed_address_pairs"], mac)
    return columns


def _merged(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return DHCP options after a request that names some: a value of null takes one away, others stay."""
    merged = {(option["opt_name"], option["ip_version"]): option for option in [*old, *new]}
    return [option for option in merged.values() if option["opt_value"] is not None]


def _pairs(pairs: Sequence[dict[str, Any]], mac: str) -> list[dict[str, Any]]:
    """Return pairs that all have a MAC, by default the port's. Raises DuplicateAddressPair (400)."""
    complete = [{"mac_address": mac, **pair} for pair in pairs]
    distinct: set[tuple[str, str]] = set()
    for pair in complete:
        key = (pair["mac_address"], pair["ip_address"])
        if key in distinct:
            raise exceptions.DuplicateAddressPair(mac=key[0], ip=key[1])
        distinct.add(key)
    return complete


def _check_security(values: dict[str, Any], *, pairs: Any, held_groups: bool) -> None:
    """Refuse values that a port without port security cannot have. ``values`` contain the inherited ones.

    Raises GroupsNeedPortSecurity (400), PairsNeedPortSecurity and PortHasGroups (409).
    """
    if values["port_security_enabled"]:
        return
    if pairs:
        raise exceptions.PairsNeedPortSecurity
    if values.get("security_groups"):
        raise exceptions.GroupsNeedPortSecurity
    if held_groups and "security_groups" not in values:
        raise exceptions.PortHasGroups


def _refuse_foreign_device(context: RequestContext, project_id: str, values: dict[str, Any]) -> None:
    device_id = values.get("device_id")
    foreign = Port.objects.filter(device_id=device_id).exclude(project_id=project_id)
    if device_id and not context.is_admin and foreign.exists():
        raise exceptions.DeviceNotOwned(device_id=device_id)


def _groups(context: RequestContext, project_id: str, values: dict[str, Any]) -> tuple[list[uuid.UUID], set[uuid.UUID]]:
    """Return the groups of a port, and those of them that other projects share with it.

    Raises SecurityGroupNotFound (404).
    """
    wanted: Sequence[uuid.UUID] | None = values.get("security_groups")
    if wanted is None:
        default = [security_groups.ensure_default(project_id=project_id)] if values["port_security_enabled"] else []
        return default, set()
    ids = list(dict.fromkeys(wanted))
    usable = SecurityGroup.objects.filter(id__in=ids)
    if not context.is_admin:
        usable = usable.filter(Q(project_id=project_id) | shared_with(project_id))
    known = dict(usable.values_list("id", "project_id"))
    for group_id in ids:
        if group_id not in known:
            raise exceptions.SecurityGroupNotFound(id=group_id)
    return ids, set() if context.is_admin else {key for key, owner in known.items() if owner != project_id}


def _set_groups(port: Port, groups: Sequence[uuid.UUID], foreign: set[uuid.UUID]) -> None:
    PortSecurityGroup.objects.filter(port=port).exclude(security_group_id__in=groups).delete()
    PortSecurityGroup.objects.bulk_create(
        [PortSecurityGroup(port=port, security_group_id=group) for group in groups], ignore_conflicts=True
    )
    shared_use.keep(project_id=port.project_id, model=SecurityGroup, ids=foreign)
    flow_budget.check(group_ids=groups)


def update(*, context: RequestContext, port: Port, values: dict[str, Any]) -> Port:
    """Change a port. While a server holds it, its addresses and its device stay (PortBound, 409).

    Raises the errors of ``create``, and PortHasGroups (409) for disabling port security of a port with groups.
    """
    _refuse_foreign_device(context, port.project_id, values)
    qos_policies.check_change(context=context, values=values, held_id=port.qos_policy_id)
    try:
        with transaction.atomic():
            locked = locks.port(port.id)
            if locked is None:
                raise exceptions.PortNotFound(id=port.id)
            _refuse_bound(locked, values)
            values = {"port_security_enabled": locked.port_security_enabled, **values}
            columns = _changed(locked, values)
            _follow(locked, values)
            Port.objects.filter(id=port.id).update(
                **columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
            )
            if "security_groups" in values:
                _set_groups(locked, *_groups(context, locked.project_id, values))
            qos_policies.keep(context=context, policy_id=values.get("qos_policy_id"), held_id=port.qos_policy_id)
            if locked.bound or hasattr(locked, "sub_port"):
                rpcapi.changed(ports=[port.id])
    except IntegrityError:
        raise exceptions.MacAddressInUse(network_id=port.network_id, mac=values.get("mac_address")) from None
    return selectors.get(context=context, port_id=port.id)


def _follow(port: Port, values: dict[str, Any]) -> None:
    """Set floating IPs loose whose fixed address the port gave up, and delete forwardings to such addresses."""
    if "fixed_ips" in values:
        held = set(port.fixed_ips.values_list("ip_address", flat=True))
        led = set(port.floating_ips.values_list("fixed_ip_address", flat=True))
        floating_ips.loosen(port_id=port.id, ips=[ip for ip in led if ip and ip not in held])
        forwarded = set(port.port_forwardings.values_list("internal_ip_address", flat=True))
        port_forwardings.delete_of_port(port_id=port.id, ips=forwarded - held)


def _changed(port: Port, values: dict[str, Any]) -> dict[str, Any]:
    """Change a locked port's addresses, and return the columns that change with them."""
    _check_security(
        values,
        pairs=values.get("allowed_address_pairs", port.allowed_address_pairs),
        held_groups=PortSecurityGroup.objects.filter(port=port).exists(),
    )
    mac = values.get("mac_address", port.mac_address)
    if "fixed_ips" in values and hasattr(port, "router_interface"):
        router_interfaces.change_addresses(port, values["fixed_ips"])
    else:
        port_addresses.change(port, values.get("fixed_ips"), mac=mac)
    return {**_columns(values, mac, port.extra_dhcp_opts), "mac_address": mac}


def _refuse_bound(port: Port, values: dict[str, Any]) -> None:
    is_interface = hasattr(port, "router_interface")
    held = port.bound or is_interface or _is_routed(port)
    if not held and not hasattr(port, "sub_port"):
        return
    for key in _FROZEN_WHILE_BOUND if held else _FROZEN_IN_TRUNK:
        if key not in values or key == "fixed_ips":
            continue
        if values[key] != getattr(port, key):
            raise exceptions.PortBound(id=port.id, device_id=port.device_id, field=key)
    if held and "fixed_ips" in values and not is_interface and not port_addresses.are_same(port, values["fixed_ips"]):
        raise exceptions.PortBound(id=port.id, device_id=port.device_id, field="fixed_ips")


def _is_routed(port: Port) -> bool:
    """Return whether a router or a floating IP holds a port; ``device_owner`` is what anybody wrote."""
    return any(hasattr(port, holder) for holder in ("router_interface", "gateway_of", "floating_ip"))


def delete(*, port: Port) -> None:
    """Delete a port that no server and no service of the network holds; floating IPs that lead to it become loose.

    Raises ServicePortInUse, PortInUseAsTrunkParent, PortInUseAsSubPort (409).
    """
    with transaction.atomic():
        locked = locks.port_to_delete(port.id)
        if locked is None:
            raise exceptions.PortNotFound(id=port.id)
        if locked.bound or locked.device_owner in (states.OWNER_DHCP, states.OWNER_DISTRIBUTED) or _is_routed(locked):
            raise exceptions.ServicePortInUse(id=port.id, owner=locked.device_owner)
        trunks.refuse_use(locked)
        floating_ips.loosen(port_id=locked.id)
        port_forwardings.delete_of_port(port_id=locked.id)
        locked.delete()


def free(*, port_ids: Sequence[uuid.UUID]) -> None:
    """Unbind ports whose server does not exist: for reconcilers."""
    unbind(port_ids)
