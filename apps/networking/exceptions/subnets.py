"""Refusals about subnets, their ranges and their pools."""

from apps.common.exceptions import BadRequest, Conflict, NotFound
from apps.networking.exceptions.base import InvalidInput


class SubnetNotFound(NotFound):
    kind = "SubnetNotFound"
    template = "Subnet {id} could not be found."


class SubnetInUse(Conflict):
    kind = "SubnetInUse"
    template = "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."


class RangeTaken(InvalidInput):
    """Clients that pick ranges by chance try another one when they read "overlaps with another subnet"."""

    template = (
        "Invalid input for operation: Requested subnet with cidr: {cidr} for network: {network_id} overlaps with "
        "another subnet{whose}. Use another range."
    )


class GatewayIpInUse(Conflict):
    kind = "GatewayIpInUse"
    template = "Current gateway ip {ip} already in use by port {port_id}. Unable to update."


class GatewayConflict(Conflict):
    kind = "GatewayConflictWithAllocationPools"
    template = "Gateway ip {ip} conflicts with allocation pool {pool}."


class InvalidAllocationPool(BadRequest):
    kind = "InvalidAllocationPool"
    template = "The allocation pool {pool} is not valid."


class OutOfBoundsAllocationPool(BadRequest):
    kind = "OutOfBoundsAllocationPool"
    template = "The allocation pool {pool} spans beyond the subnet cidr {cidr}."


class OverlappingAllocationPools(Conflict):
    kind = "OverlappingAllocationPools"
    template = "Found overlapping allocation pools: {one} {two} for subnet {cidr}."
