"""The words of Neutron's status fields, and who owns a port."""

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
