"""Refusals about port forwardings of floating IPs."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class PortForwardingNotFound(NotFound):
    kind = "PortForwardingNotFound"
    template = "Port Forwarding {id} could not be found."


class PortForwardingRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad port_forwarding request: {reason}."


class PortHasPortForwarding(BadRequest):
    kind = "PortHasPortForwarding"
    template = "Cannot associate floating IP to port {port_id} because it already has a Port Forwarding binding."


class FloatingIpForwardsPorts(Conflict):
    kind = "FipInUseByPortForwarding"
    template = "Floating IP {id} in use by Port Forwarding resources."


class PortHasFloatingIp(Conflict):
    kind = "PortHasBindingFloatingIP"
    template = (
        "Cannot create port forwarding to floating IP {ip} ({id}) with port {port_id} using fixed IP {fixed_ip}, as "
        "that port already has a binding floating IP."
    )
