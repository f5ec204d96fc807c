"""Refusals of the network service; ``kind`` is Neutron's error type, the sentences are Neutron's own.

Those that compute's users meet while they ask for a server carry Nova's sentences (nova/exception.py).

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, CloudError, Conflict, Forbidden, NotFound

_FOOT = "Router interface for subnet {subnet_id} on router {id} cannot be deleted, as it is required by one or more "


class NetworkNotFound(NotFound):
    kind = "NetworkNotFound"
    template = "Network {id} could not be found."


class SubnetNotFound(NotFound):
    kind = "SubnetNotFound"
    template = "Subnet {id} could not be found."


class PortNotFound(NotFound):
    kind = "PortNotFound"
    template = "Port {id} could not be found."


class RouterNotFound(NotFound):
    kind = "RouterNotFound"
    template = "Router {id} could not be found"


class FloatingIpNotFound(NotFound):
    kind = "FloatingIPNotFound"
    template = "Floating IP {id} could not be found"


class SecurityGroupNotFound(NotFound):
    kind = "SecurityGroupNotFound"
    template = "Security group {id} does not exist"


class SecurityGroupRuleNotFound(NotFound):
    kind = "SecurityGroupRuleNotFound"
    template = "Security group rule {id} does not exist"


class ProjectNotFound(NotFound):
    kind = "ProjectNotFound"
    template = "Project {id} could not be found."


class ExtensionNotFound(NotFound):
    kind = "ExtensionNotFound"
    template = "Extension with alias {id} does not exist"


class TagNotFound(NotFound):
    kind = "TagNotFound"
    template = "Tag {tag} could not be found."


class InvalidInput(BadRequest):
    kind = "InvalidInput"
    template = "Invalid input for operation: {reason}."


class RangeNotAllowed(InvalidInput):
    template = "Invalid input for operation: cidr: '{cidr}' is not among the ranges that this cloud's networks may use."


class RangeNeeded(InvalidInput):
    template = "Invalid input for operation: cidr: '{cidr}' holds an address that the cloud itself needs. Use another."


class RangeTaken(InvalidInput):
    """Clients that pick ranges by chance try another one when they read "overlaps with another subnet"."""

    template = (
        "Invalid input for operation: Requested subnet with cidr: {cidr} for network: {network_id} overlaps with "
        "another subnet{whose}. Use another range."
    )


class NetworkInUse(Conflict):
    kind = "NetworkInUse"
    template = "Unable to complete operation on network {id}. There are one or more ports still in use on the network."


class SubnetInUse(Conflict):
    kind = "SubnetInUse"
    template = "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."


class GatewayIpInUse(Conflict):
    kind = "GatewayIpInUse"
    template = "Current gateway ip {ip} already in use by port {port_id}. Unable to update."


class FlatNetworkInUse(Conflict):
    kind = "FlatNetworkInUse"
    template = "Unable to create the flat network. Physical network {physical_network} is in use."


class VlanInUse(Conflict):
    kind = "VlanIdInUse"
    template = "Unable to create the network. The VLAN {vlan} on physical network {physical_network} is in use."


class ExternalNetworkInUse(Conflict):
    kind = "ExternalNetworkInUse"
    template = "External network {id} cannot be updated to be made non-external, since it has existing gateway ports."


class RouterRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad router request: {reason}."


class RouterInUse(Conflict):
    kind = "RouterInUse"
    template = "Router {id} still has ports"


class RouterInterfaceNotFound(NotFound):
    kind = "RouterInterfaceNotFound"
    template = "Router {id} does not have an interface with id {port_id}"


class RouterInterfaceNotFoundForSubnet(NotFound):
    kind = "RouterInterfaceNotFoundForSubnet"
    template = "Router {id} has no interface on subnet {subnet_id}"


class SubnetMismatchForPort(BadRequest):
    kind = "SubnetMismatchForPort"
    template = "Subnet on port {port_id} does not match the requested subnet {subnet_id}."


class RouterInterfaceNeededByFloatingIp(Conflict):
    kind = "RouterInterfaceInUseByFloatingIP"
    template = _FOOT + "floating IPs."


class RouterInterfaceNeededByRoute(Conflict):
    kind = "RouterInterfaceInUseByRoute"
    template = _FOOT + "routes."


class RouterGatewayNeeded(Conflict):
    kind = "RouterExternalGatewayInUseByFloatingIp"
    template = (
        "Gateway cannot be updated for router {id}, since a gateway to external network {network_id} is required by "
        "one or more floating IPs."
    )


class InvalidRoutes(BadRequest):
    kind = "InvalidRoutes"
    template = "Invalid format for routes: {routes}, {reason}"


class RoutesExhausted(BadRequest):
    kind = "RoutesExhausted"
    template = "Unable to complete operation for {id}. The number of routes exceeds the maximum {limit}."


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


class SecurityGroupInUse(Conflict):
    kind = "SecurityGroupInUse"
    template = "Security Group {id} in use."


class DefaultSecurityGroup(Conflict):
    kind = "SecurityGroupDefaultAlreadyExists"
    template = "Default security group already exists."


class CannotChangeDefault(Conflict):
    kind = "SecurityGroupCannotUpdateDefault"
    template = "Updating default security group not allowed."


class CannotRemoveDefault(Conflict):
    kind = "SecurityGroupCannotRemoveDefault"
    template = "Insufficient rights for removing default security group."


class RuleExists(Conflict):
    kind = "SecurityGroupRuleExists"
    template = "Security group rule already exists. Rule id is {id}."


class RevisionChanged(CloudError):
    code = 412
    kind = "RevisionNumberConstraintFailed"
    template = "Constrained to {expected}, but current revision is {actual}"


class OverQuota(Conflict):
    kind = "OverQuota"
    template = "Quota exceeded for resources: ['{resource}']."


# --- What compute's users meet ---------------------------------------------------------------------


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


class InvalidRule(BadRequest):
    kind = "SecurityGroupRuleInvalid"


class UnknownMarker(NotFound):
    kind = "InvalidMarker"
    template = "The marker {id} could not be found."
