"""A network's port of the metadata service: OVN has it on every host that plugs it, and never between hosts.

Its row is there for every network; a host plugs it while guests of the network are on it. Guests reach 169.254.169.254
by way of its address in their subnet, or on their link where it has none (DHCP gives them the route), and
fe80::a9fe:a9fe as any neighbour.
"""

from __future__ import annotations

import hashlib
import ipaddress

from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.network.ovn import switch_ports
from workers.drivers.network.ovn.rows import Row, derived

ADDRESS, ADDRESS_6 = "169.254.169.254", "fe80::a9fe:a9fe"
# In the external_ids of the host's end: it is no guest's card.
MARK = "celerity-metadata"


def key(network_id: str) -> str:
    """The UUID of a network's metadata port, which is its name, too: the host's card carries it."""
    return derived("metadata", network_id)


def mac(network_id: str) -> str:
    """The MAC of a network's metadata port: always the same, made of the network's id."""
    digest = hashlib.sha256(f"metadata/{network_id}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def row(network: NetworkSpec) -> Row:
    """A network's metadata port."""
    port = key(network.id)
    inside = [str(ipaddress.ip_address(item.metadata_ip)) for item in network.subnets if item.metadata_ip]
    addresses = " ".join((mac(network.id), *inside, ADDRESS, ADDRESS_6))
    return switch_ports.row(port, network.id, name=port, kind="localport", options={}, addresses=addresses)
