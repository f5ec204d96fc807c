"""The values of Neutron's status fields and device owners, and hosts' names for ports and networks."""

import uuid

ACTIVE = "ACTIVE"
DOWN = "DOWN"
BUILD = "BUILD"
ERROR = "ERROR"
PORT_STATUSES = (ACTIVE, DOWN, BUILD, ERROR)

INGRESS = "ingress"
EGRESS = "egress"
DIRECTIONS = (INGRESS, EGRESS)

IPV4 = "IPv4"
IPV6 = "IPv6"
ETHERTYPES = (IPV4, IPV6)

# Prefixes of a port's device_owner.
OWNER_COMPUTE = "compute:"
OWNER_NETWORK = "network:"
OWNER_DHCP = "network:dhcp"

# Neutron's "local": a network that each host has for itself. True until overlays join the hosts.
NETWORK_TYPE = "local"


def tap_of(port_id: uuid.UUID) -> str:
    """Return the name of a port's tap device: 14 characters, as Neutron's."""
    return f"tap{port_id.hex[:11]}"


def bridge_of(network_id: uuid.UUID) -> str:
    """Return the name of a network's bridge on every host."""
    return f"cly{network_id.hex[:11]}"
