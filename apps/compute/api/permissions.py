"""Which rules a change of the compute service has to pass. Every front end asks here before it calls a service."""

from collections.abc import Mapping
from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute.actions import CREATE_IMAGE, LIVE_MIGRATE, MIGRATE, REBUILD, UNLOCK, UNSHELVE, ServerAction
from apps.compute.models import Server
from apps.compute.selectors import volume_attachments
from apps.compute.services.server_requests import placement
from apps.compute.services.servers import locker
from apps.networking.api import permissions as network_permissions
from apps.networking.values import InterfacePermissions

CREATE = "os_compute_api:servers:create"
SEES_HOSTS = "os_compute_api:os-extended-server-attributes"
REBUILD_CERTIFICATES = "os_compute_api:servers:rebuild:trusted_certs"
UNSHELVE_TO_HOST = "os_compute_api:os-shelve:unshelve_to_host"
ATTACH_EXTERNAL = "network:attach_external_network"


def check_new_server(context: RequestContext, values: Mapping[str, Any], hints: Mapping[str, Any]) -> None:
    """Check the rules for parts of a server's body, beside that of the call.

    Raises PolicyForbidden (403), BadRequest (400) for a hint that would tell the load of hosts.
    """
    if _named_networks(values):
        policy.check(context, f"{CREATE}:attach_network")
    if values.get("row", {}).get("trusted_image_certificates"):
        policy.check(context, f"{CREATE}:trusted_certs")
    for rule in placement.rules(values):
        policy.check(context, rule)
    restricted = placement.restricted(hints)
    if restricted and not sees_hosts(context):
        refused, others = (", ".join(f"${name}" for name in sorted(names)) for names in (restricted, placement.OPEN))
        raise BadRequest(
            "Invalid input for field/attribute os:scheduler_hints.query: only administrators may ask by "
            f"{refused}. Others may ask by {others}."
        )


def of_interfaces(context: RequestContext, values: Mapping[str, Any]) -> InterfacePermissions:
    """Return what the caller may choose for the interfaces that a server's body names."""
    requested = _named_networks(values)
    if not requested:
        return InterfacePermissions()
    return InterfacePermissions(
        addresses_on=network_permissions.choosable_addresses(context, requested),
        external=policy.allowed(context, ATTACH_EXTERNAL),
    )


def sees_hosts(context: RequestContext) -> bool:
    """Return whether the caller may know the hosts of servers."""
    return policy.allowed(context, SEES_HOSTS)


def _named_networks(values: Mapping[str, Any]) -> list[Any]:
    networks = values.get("networks")
    return networks if isinstance(networks, list) else []


def of_action(caller: RequestContext, action: ServerAction, server: Server, value: Any = None) -> tuple[str, ...]:
    """Return the further rules of an action on this server: its owner may not undo an administrator's lock, nor choose
    the host of a server that moves or comes back. ``value``: the body's.
    """
    if action is UNSHELVE and isinstance(value, Mapping) and "host" in value:
        return (UNSHELVE_TO_HOST,)
    if action in (MIGRATE, LIVE_MIGRATE) and isinstance(value, Mapping) and value.get("host"):
        return (f"{action.policy}:host",)
    if action is CREATE_IMAGE and volume_attachments.boots_from_volume(server):
        return (f"{action.policy}:allow_volume_backed",)
    if action is REBUILD and isinstance(value, Mapping) and "trusted_image_certificates" in value:
        return (REBUILD_CERTIFICATES,)
    if action is UNLOCK and server.locked_by not in ("", locker(context=caller, server=server)):
        return ("os_compute_api:os-lock-server:unlock:unlock_override",)
    return ()
