"""Refusals about subnet pools, and about ranges that subnets ask of them."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class SubnetPoolNotFound(NotFound):
    kind = "SubnetPoolNotFound"
    template = "Subnet pool {id} could not be found."


class SubnetPoolInUse(BadRequest):
    kind = "SubnetPoolDeleteError"
    template = "Unable to delete subnet pool: Subnet pool has existing allocations."


class SubnetPoolQuotaExceeded(Conflict):
    kind = "SubnetPoolQuotaExceeded"
    template = "Per-project subnet pool prefix quota exceeded."


class NoPrefixes(BadRequest):
    kind = "EmptySubnetPoolPrefixList"
    template = "Empty subnet pool prefix list."


class PrefixVersionsDiffer(BadRequest):
    kind = "PrefixVersionMismatch"
    template = "Cannot mix IPv4 and IPv6 prefixes in a subnet pool."


class IllegalPrefixBounds(BadRequest):
    kind = "IllegalSubnetPoolPrefixBounds"
    template = "Illegal prefix bounds: {name}={length}, {bound}={limit}."


class IllegalPrefixUpdate(BadRequest):
    kind = "IllegalSubnetPoolPrefixUpdate"
    template = "Illegal update to prefixes: {reason}."


class IllegalPoolUpdate(BadRequest):
    kind = "IllegalSubnetPoolUpdate"
    template = "Illegal subnetpool update : {reason}."


class SubnetRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad subnets request: {reason}."


class SubnetAllocationFailed(Conflict):
    """Neutron answers 500 here."""

    kind = "SubnetAllocationError"
    template = "Failed to allocate subnet: {reason}."


class PrefixTooShort(BadRequest):
    kind = "MinPrefixSubnetAllocationError"
    template = "Unable to allocate subnet with prefix length {length}, minimum allowed prefix is {limit}."


class PrefixTooLong(BadRequest):
    kind = "MaxPrefixSubnetAllocationError"
    template = "Unable to allocate subnet with prefix length {length}, maximum allowed prefix is {limit}."


class PoolsOfNetworkDiffer(BadRequest):
    kind = "NetworkSubnetPoolAffinityError"
    template = "Subnets hosted on the same network must be allocated from the same subnet pool."
