"""Refusals about ports and their addresses."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class PortNotFound(NotFound):
    kind = "PortNotFound"
    template = "Port {id} could not be found."


class IpAddressInUse(Conflict):
    kind = "IpAddressInUse"
    template = "Unable to complete operation for network {network_id}. The IP address {ip} is in use."


class IpAddressAlreadyAllocated(Conflict):
    kind = "IpAddressAlreadyAllocated"
    template = "IP address {ip} already allocated in subnet {subnet_id}"


class IpAddressGenerationFailure(Conflict):
    kind = "IpAddressGenerationFailure"
    template = "No more IP addresses available on network {network_id}."


class InvalidIpForSubnet(BadRequest):
    kind = "InvalidIpForSubnet"
    template = "IP address {ip} is not a valid IP for the specified subnet."


class InvalidIpForNetwork(BadRequest):
    kind = "InvalidIpForNetwork"
    template = "IP address {ip} is not a valid IP for any of the subnets on the specified network."


class AllocationOnAutoAddressSubnet(BadRequest):
    kind = "AllocationOnAutoAddressSubnet"
    template = (
        "IPv6 address {ip} can not be directly assigned to a port on subnet {subnet_id} since the subnet is configured "
        "for automatic addresses"
    )


class GroupsNeedPortSecurity(BadRequest):
    kind = "PortSecurityAndIPRequiredForSecurityGroups"
    template = "Port security must be enabled and port must have an IP address in order to use security groups."


class PairsNeedPortSecurity(Conflict):
    kind = "AddressPairAndPortSecurityRequired"
    template = "Port Security must be enabled in order to have allowed address pairs on a port."


class PortHasGroups(Conflict):
    kind = "PortSecurityPortHasSecurityGroup"
    template = (
        "Port has security group associated. Cannot disable port security or IP address until security group is "
        "removed."
    )


class DuplicateAddressPair(BadRequest):
    kind = "DuplicateAddressPairInRequest"
    template = "Request contains duplicate address pair: mac_address {mac} ip_address {ip}."


class MacAddressInUse(Conflict):
    kind = "MacAddressInUse"
    template = "Unable to complete operation for network {network_id}. The mac address {mac} is in use."


class PortBound(Conflict):
    kind = "PortBound"
    template = (
        "Unable to complete operation on port {id}, port is already bound, device {device_id}: {field} cannot change."
    )


class ServicePortInUse(Conflict):
    kind = "ServicePortInUse"
    template = "Port {id} cannot be deleted directly via the port API: has device owner {owner}."


class PortOfDevice(Conflict):
    kind = "PortInUse"
    template = (
        "Unable to complete operation on port {id} for network {network_id}. Port already has an attached device "
        "{device_id}."
    )


class DeviceNotOwned(Conflict):
    kind = "DeviceIDNotOwnedByTenant"
    template = "The following device_id {device_id} is not owned by your tenant or matches another tenants device."
