"""Refusals about floating IPs."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class FloatingIpNotFound(NotFound):
    kind = "FloatingIPNotFound"
    template = "Floating IP {id} could not be found"


class FloatingIpRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad floatingip request: {reason}."


class ExternalGatewayNotFound(NotFound):
    kind = "ExternalGatewayForFloatingIPNotFound"
    template = (
        "External network {network_id} is not reachable from subnet {subnet_id}.  Therefore, cannot associate Port "
        "{port_id} with a Floating IP."
    )


class FloatingIpPortAssociated(Conflict):
    kind = "FloatingIPPortAlreadyAssociated"
    template = (
        "Cannot associate floating IP {ip} ({id}) with port {port_id} using fixed IP {fixed_ip}, as that fixed IP "
        "already has a floating IP on external network {network_id}."
    )
