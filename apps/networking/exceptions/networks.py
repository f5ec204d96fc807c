"""Refusals about networks."""

from apps.common.exceptions import Conflict, NotFound


class NetworkNotFound(NotFound):
    kind = "NetworkNotFound"
    template = "Network {id} could not be found."


class NetworkInUse(Conflict):
    kind = "NetworkInUse"
    template = "Unable to complete operation on network {id}. There are one or more ports still in use on the network."


class NetworkMtuSubnetConflict(Conflict):
    kind = "NetworkMTUSubnetConflict"
    template = "MTU of {id} is not valid, subnet requires a minimum of {mtu}."


class FlatNetworkInUse(Conflict):
    kind = "FlatNetworkInUse"
    template = "Unable to create the flat network. Physical network {physical_network} is in use."


class VlanInUse(Conflict):
    kind = "VlanIdInUse"
    template = "Unable to create the network. The VLAN {vlan} on physical network {physical_network} is in use."


class ExternalNetworkInUse(Conflict):
    kind = "ExternalNetworkInUse"
    template = "External network {id} cannot be updated to be made non-external, since it has existing gateway ports."


class DefaultNetworkExists(Conflict):
    kind = "DefaultExternalNetworkExists"
    template = "A default external network already exists: {id}."
