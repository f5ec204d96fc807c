"""Which rules a change of the network service has to pass. Every front end asks here before it calls a service."""

import uuid
from collections.abc import Sequence
from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking import exceptions, states
from apps.networking.models import Network, Port, QosPolicy, Router
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors.sharing import is_shared_with
from apps.networking.services import ownership, port_addresses, shared_objects
from apps.networking.services.requested_networks import CHOOSE_ADDRESS
from apps.networking.values import RequestedNetwork

# Values of a network that only administrators may set, by the last part of their rule.
_OF_NETWORKS = {
    "shared": "shared",
    "external": "router:external",
    "is_default": "is_default",
    "network_type": "provider",
    "physical_network": "provider",
    "segmentation_id": "provider",
}
# Values of subnet pools and the like that only administrators may set.
_FOR_ADMINISTRATORS = ("shared", "is_default")
# Values of a router's gateway that have a rule.
_OF_GATEWAYS = ("network_id", "enable_snat", "external_fixed_ips")
# Values of a port that have a rule, by its last part.
_OF_PORTS = {
    "mac_address": "mac_address",
    "fixed_ips": "fixed_ips",
    "port_security_enabled": "port_security_enabled",
    "allowed_address_pairs": "allowed_address_pairs",
    "host": "binding:host_id",
    "profile": "binding:profile",
    "vnic_type": "binding:vnic_type",
}


def owner_of(row: Any) -> dict[str, Any]:
    """Return what rules look at of a resource."""
    return {"project_id": row.project_id}


def check(context: RequestContext, rule: str, row: Any) -> None:
    """Raise PolicyForbidden (403) unless a rule lets the caller act on a resource."""
    policy.check(context, rule, owner_of(row))


def check_create(context: RequestContext, noun: str, values: dict[str, Any]) -> str:
    """Check ``create_<noun>`` for the project that a body names, and return that project. Raises PolicyForbidden."""
    project_id = ownership.of(context=context, values=values)
    policy.check(context, f"create_{noun}", {"project_id": project_id, "user_id": context.user_id})
    return project_id


def check_new_network(context: RequestContext, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make this network."""
    project_id = check_create(context, "network", values)
    _check_network("create_network", context, project_id, {key: value for key, value in values.items() if value})


def check_network(context: RequestContext, network: Network, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may set these values, even unchanged."""
    _check_network("update_network", context, network.project_id, values)


def _check_network(action: str, context: RequestContext, project_id: str, values: dict[str, Any]) -> None:
    for key, name in _OF_NETWORKS.items():
        if key in values:
            policy.check(context, f"{action}:{name}", {"project_id": project_id})


def check_new_shared(context: RequestContext, noun: str, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make this resource, and share it or make it the default."""
    project_id = check_create(context, noun, values)
    for key in _FOR_ADMINISTRATORS:
        if values.get(key):
            policy.check(context, f"create_{noun}:{key}", {"project_id": project_id})


def check_shared(context: RequestContext, noun: str, row: Any, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may set these values, even unchanged, beside ``update_<noun>``."""
    for key in _FOR_ADMINISTRATORS:
        if key in values:
            policy.check(context, f"update_{noun}:{key}", owner_of(row))


def check_new_subnet(context: RequestContext, network: Network) -> None:
    """Raise PolicyForbidden (403) unless the caller may make subnets of a network."""
    policy.check(context, "create_subnet", {"project_id": network.project_id, "network_project_id": network.project_id})


def check_new_port(context: RequestContext, network: Network, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may give a new port these values, beside ``check_create``."""
    project_id = ownership.of(context=context, values=values)
    _check_port("create_port", context, project_id, network, values)


def check_port(context: RequestContext, port: Port, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may set these values; addresses that the port has need nothing."""
    held = frozenset(fixed.ip_address for fixed in port.fixed_ips.all())
    _check_port("update_port", context, port.project_id, port.network, values, held)


def choosable_addresses(context: RequestContext, requested: Sequence[RequestedNetwork]) -> frozenset[uuid.UUID]:
    """Return the networks whose fixed IPs the caller may choose, of those on which it asks for one.

    1 query if it asks for any, else none.
    """
    network_ids = {wanted.network_id for wanted in requested if wanted.fixed_ip and wanted.port_id is None}
    if not network_ids:
        return frozenset()
    owners = network_selectors.owners(context=context, network_ids=network_ids)
    return frozenset(
        network_id
        for network_id, owner in owners.items()
        if policy.allowed(context, CHOOSE_ADDRESS, {"project_id": context.project_id, "network_project_id": owner})
    )


def _check_port(
    action: str,
    context: RequestContext,
    project_id: str,
    network: Network,
    values: dict[str, Any],
    held: frozenset[str] = frozenset(),
) -> None:
    target = {"project_id": project_id, "network_project_id": network.project_id}
    for key, name in _OF_PORTS.items():
        if key in values:
            policy.check(context, f"{action}:{name}", target)
    for part in port_addresses.named(values.get("fixed_ips"), held=held):
        shared = is_shared_with(network, context.project_id)
        policy.check(context, f"{action}:fixed_ips:{part}", {**target, "network_shared": shared})
    if str(values.get("device_owner") or "").startswith(states.OWNER_NETWORK):
        policy.check(context, f"{action}:device_owner:network", target)


def check_new_router(context: RequestContext, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make this router."""
    project_id = check_create(context, "router", values)
    _check_gateway("create_router", context, project_id, values)


def check_router(context: RequestContext, router: Router, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may set these values, beside ``update_router``."""
    _check_gateway("update_router", context, router.project_id, values)


def _check_gateway(action: str, context: RequestContext, project_id: str, values: dict[str, Any]) -> None:
    if "external_gateway_info" not in values:
        return
    rule, target = f"{action}:external_gateway_info", {"project_id": project_id}
    policy.check(context, rule, target)
    for name in _OF_GATEWAYS:
        if name in (values["external_gateway_info"] or {}):
            policy.check(context, f"{rule}:{name}", target)


def check_new_floating_ip(context: RequestContext, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make this floating IP."""
    project_id = check_create(context, "floatingip", values)
    if values.get("floating_ip_address"):
        policy.check(context, "create_floatingip:floating_ip_address", {"project_id": project_id})


def check_new_qos_policy(context: RequestContext, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make this QoS policy."""
    project_id = check_create(context, "policy", values)
    if values.get("shared"):
        policy.check(context, "create_policy:shared", {"project_id": project_id})


def check_qos_policy(context: RequestContext, row: QosPolicy, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may set these values, beside ``update_policy``."""
    if "shared" in values and values["shared"] != row.shared:
        policy.check(context, "update_policy:shared", {"project_id": row.project_id})


def check_new_rbac_policy(context: RequestContext, values: dict[str, Any]) -> Any:
    """Return the row that a new RBAC policy is about, if the caller may make the policy.

    Raises the row's NotFound (404), PolicyForbidden (403), and InvalidInput (400) for another project's row.
    """
    project_id = check_create(context, "rbac_policy", values)
    check_rbac_target(context, "create", project_id, values)
    row = shared_objects.subject(context=context, object_type=values["object_type"], object_id=values["object_id"])
    if not context.is_admin and row.project_id != context.project_id:
        raise exceptions.InvalidInput(reason="Only admins can manipulate policies on objects they do not own")
    if values["action"] == shared_objects.EXTERNAL:  # what makes a network external
        policy.check(context, "update_network:router:external", owner_of(row))
    return row


def check_rbac_target(context: RequestContext, action: str, project_id: str, values: dict[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may give a policy this target."""
    target = {"project_id": project_id, "target_project": values["target_project"]}
    policy.check(context, f"{action}_rbac_policy:target_tenant", {**target, "target_tenant": values["target_project"]})
