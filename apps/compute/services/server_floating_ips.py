"""Leading a project's floating IPs to a server, and setting them loose: Nova's actions, with Nova's answers."""

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, CloudError, Conflict, NotFound
from apps.compute import rpcapi
from apps.compute.actions import ADD_FLOATING_IP, REMOVE_FLOATING_IP
from apps.compute.models import Server
from apps.networking.selectors import bindings
from apps.networking.selectors import floating_ips as selectors
from apps.networking.services import floating_ips


@transaction.atomic
def add(*, context: RequestContext, server: Server, address: str, fixed_address: str = "") -> None:
    """Lead a floating IP to a server's fixed address, by default to its first of IPv4; one that leads elsewhere moves.

    Raises NotFound (404) for an unknown floating IP, BadRequest (400) for what cannot be associated.
    """
    held = [port for port in bindings.for_servers(server_ids=[server.id]).get(server.id, ()) if port.version == 4]
    if not held:
        raise BadRequest("No fixed IPs associated to instance")
    chosen = next((port for port in held if fixed_address in ("", port.ip)), None)
    if chosen is None:
        raise BadRequest("Specified fixed address not assigned to instance")
    floating_ip = selectors.at(context=context, address=address)
    if floating_ip is None:
        raise NotFound("floating IP not found")
    wanted = {"port_id": chosen.port_id, "fixed_ip_address": chosen.ip}
    try:
        floating_ips.update(context=context, floating_ip=floating_ip, values=wanted)
    except CloudError as error:
        raise BadRequest(
            f"Unable to associate floating IP {address} to fixed IP {chosen.ip} for instance {server.id}. Error: "
            f"{error.message}"
        ) from error
    rpcapi.record(context=context, action=ADD_FLOATING_IP.name, server=server)


@transaction.atomic
def remove(*, context: RequestContext, server: Server, address: str) -> None:
    """Set a floating IP of a server loose. Raises NotFound (404), and Conflict (409) for one that leads elsewhere."""
    floating_ip = selectors.at(context=context, address=address)
    if floating_ip is None:
        raise NotFound("floating IP not found")
    port = floating_ip.fixed_port
    if port is None or not port.bound or port.device_id != str(server.id):
        raise Conflict(f"Floating IP {address} is not associated with instance {server.id}.")
    floating_ips.update(context=context, floating_ip=floating_ip, values={"port_id": None})
    rpcapi.record(context=context, action=REMOVE_FLOATING_IP.name, server=server)
