"""Refusals about address scopes, and about pools that join them."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class AddressScopeNotFound(NotFound):
    kind = "AddressScopeNotFound"
    template = "Address scope {id} could not be found."


class AddressScopeInUse(Conflict):
    kind = "AddressScopeInUse"
    template = (
        "Unable to complete operation on address scope {id}. There are one or more subnet pools in use on the address "
        "scope."
    )


class AddressScopeStaysShared(BadRequest):
    kind = "AddressScopeUpdateError"
    template = "Unable to update address scope {id} : Shared address scope can't be unshared."


class PrefixTakenInScope(Conflict):
    kind = "AddressScopePrefixConflict"
    template = "Failed to associate address scope: subnetpools within an address scope must have unique prefixes."


class ScopeOfOtherVersion(BadRequest):
    kind = "IllegalSubnetPoolIpVersionAssociationToAddressScope"
    template = (
        "Illegal subnetpool association: subnetpool {subnetpool_id} cannot associate with address scope {id} because "
        "subnetpool ip_version is not {version}."
    )


class ScopesOfNetworkDiffer(BadRequest):
    kind = "NetworkAddressScopeAffinityError"
    template = (
        "Subnets of the same address family hosted on the same network must all participate in the same address scope."
    )
