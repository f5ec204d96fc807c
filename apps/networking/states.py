"""The values of Neutron's status fields and device owners, and hosts' names for ports and networks."""

import hashlib
import uuid

ACTIVE = "ACTIVE"
DOWN = "DOWN"
BUILD = "BUILD"
ERROR = "ERROR"
PORT_STATUSES = (ACTIVE, DOWN, BUILD, ERROR)

INGRESS = "ingress"
EGRESS = "egress"
DIRECTIONS = (INGRESS, EGRESS)

# Types of QoS rules, and the marks that one may set.
BANDWIDTH_LIMIT, DSCP_MARKING = "bandwidth_limit", "dscp_marking"
DSCP_MARKS = (0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56)

IPV4 = "IPv4"
IPV6 = "IPv6"
ETHERTYPES = (IPV4, IPV6)

# Prefixes of a port's device_owner.
OWNER_COMPUTE = "compute:"
OWNER_NETWORK = "network:"
OWNER_DHCP = "network:dhcp"
OWNER_DISTRIBUTED = "network:distributed"  # the metadata service's
OWNER_ROUTER_INTERFACE = "network:router_interface"
OWNER_ROUTER_GATEWAY = "network:router_gateway"
OWNER_SUBPORT = "trunk:subport"
OWNER_FLOATING_IP = "network:floatingip"

# The status of a port that no host plugs.
NOT_APPLICABLE = "N/A"

# Types of networks, in Neutron's words: a network that each host has for itself, one that spans hosts in tunnels, and
# those on a physical network without and with a VLAN's tag.
LOCAL, GENEVE, FLAT, VLAN = "local", "geneve", "flat", "vlan"
NETWORK_TYPES = (GENEVE, FLAT, VLAN, LOCAL)  # the usual one first

# The cloud's property that says whether guests of a userspace datapath hand over large segments, and its modes.
NETDEV_OFFLOADS = "netdev_offloads"
AUTHORITY = "authority"  # the host that has the certificate authority
SINGLE_HOST, MULTI_HOST = "single-host", "multi-host"
OFFLOADS = (SINGLE_HOST, MULTI_HOST)


def tap_of(port_id: uuid.UUID) -> str:
    """Return the name of a port's tap device: 14 characters, as Neutron's."""
    return f"tap{port_id.hex[:11]}"


def metadata_mac(network_id: uuid.UUID) -> str:
    """Return the MAC of a network's metadata port. The network driver makes the same one."""
    digest = hashlib.sha256(f"metadata/{network_id}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def metadata_device(network_id: uuid.UUID) -> str:
    """Return the device id of a network's metadata port, as Neutron's."""
    return f"ovnmeta-{network_id}"


def gateway_mac(network_id: uuid.UUID) -> str:
    """Return the MAC of the gateway that the cloud gives a network.

    OVN's driver makes the same one for the network's DHCP server.
    """
    digest = hashlib.sha256(str(network_id).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))
