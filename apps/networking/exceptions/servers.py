"""Refusals that compute's users meet while they ask for a server, with Nova's sentences (nova/exception.py)."""

from apps.common.exceptions import BadRequest, Conflict, Forbidden


class RequestedNetworkNotFound(BadRequest):
    kind = "NetworkNotFound"
    template = "Network {id} could not be found."


class RequestedPortNotFound(BadRequest):
    kind = "PortNotFound"
    template = "Port id {id} could not be found."


class NetworkRequiresSubnet(BadRequest):
    kind = "NetworkRequiresSubnet"
    template = "Network {id} requires a subnet in order to boot instances on."


class PortRequiresFixedIp(BadRequest):
    kind = "PortRequiresFixedIP"
    template = "Port {id} requires a FixedIP in order to be used."


class PortMacUnusable(BadRequest):
    kind = "PortNotUsable"
    template = "Port {id} cannot be used by a server: its MAC address {mac} is one of a group (multicast)."


class PortNotUsableDns(BadRequest):
    kind = "PortNotUsableDNS"
    template = (
        "Port {id} not usable for the server. Value {name} assigned to dns_name attribute does not match instance's "
        "hostname {hostname}"
    )


class PortInUse(Conflict):
    kind = "PortInUse"
    template = "Port {id} is still in use."


class FixedIpInUse(BadRequest):
    kind = "FixedIpAlreadyInUse"
    template = "Fixed IP address {ip} is already in use on network {network_id}."


class FixedIpInvalid(BadRequest):
    kind = "FixedIpInvalidOnHost"
    template = "Fixed IP address {ip} is not a valid address on network {network_id}."


class NetworkAmbiguous(Conflict):
    kind = "NetworkAmbiguous"
    template = "Multiple possible networks found, use a Network ID to be more specific."


class ExternalNetworkForbidden(Forbidden):
    kind = "ExternalNetworkAttachForbidden"
    template = "It is not allowed to create an interface on external network {id}"


class RequestedGroupNotFound(BadRequest):
    kind = "SecurityGroupNotFound"
    template = "Security group {id} not found for project {project_id}."


class GroupAmbiguous(Conflict):
    kind = "NoUniqueMatch"
    template = "Multiple security groups found matching '{name}'. Use an ID to be more specific."
