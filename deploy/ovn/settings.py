"""The settings of the OVN network driver that deploy reads, checked."""

import ipaddress
import re
import socket
from dataclasses import dataclass

from deploy.environment import Environment
from deploy.errors import DeployError

DATAPATHS = ("auto", "system", "netdev")
OFFLOADS = ("single-host", "multi-host")
PUBLIC, EXTERNAL_BRIDGE = "public", "br-ex"
LONGEST_EXTERNAL_PREFIX = 29  # six addresses: the machine, a router, and a few floating IPs
_MAPPING = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,62}):([A-Za-z0-9][A-Za-z0-9_.-]{0,14})")


@dataclass(frozen=True)
class OvnSettings:
    """``mappings`` are physical networks and their bridges; ``tunnel_address`` is this machine's for other hosts."""

    datapath: str
    offloads: str
    external: ipaddress.IPv4Network
    mappings: dict[str, str]
    tunnel_address: str
    management: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @property
    def external_bridge(self) -> str | None:
        """The bridge whose address and masquerade are ours; None where the public network has an operator's bridge."""
        return EXTERNAL_BRIDGE if self.mappings.get(PUBLIC) == EXTERNAL_BRIDGE else None

    @property
    def external_address(self) -> ipaddress.IPv4Interface:
        """The machine's address on the external network: the first one, which is the routers' gateway."""
        return ipaddress.IPv4Interface((self.external.network_address + 1, self.external.prefixlen))


def _choice(environment: Environment, name: str, choices: tuple[str, ...]) -> str:
    value = environment[name]
    if value not in choices:
        raise DeployError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
    return value


def _external(environment: Environment) -> ipaddress.IPv4Network:
    text = environment["CELERITY_EXTERNAL_CIDR"]
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise DeployError(f"CELERITY_EXTERNAL_CIDR: {error}.") from None
    if network.prefixlen > LONGEST_EXTERNAL_PREFIX or network.prefixlen < 8:
        raise DeployError(f"CELERITY_EXTERNAL_CIDR is {text}; its prefix must be between /8 and /29.")
    return network


def _mappings(environment: Environment) -> dict[str, str]:
    mappings: dict[str, str] = {}
    for entry in environment["CELERITY_BRIDGE_MAPPINGS"].split(","):
        matched = _MAPPING.fullmatch(entry.strip())
        if matched is None:
            raise DeployError(
                f"CELERITY_BRIDGE_MAPPINGS: {entry.strip()!r} is not a physical network and a bridge.",
                hint="For example public:br-ex,fabric:br-fabric; a bridge's name has up to 15 characters.",
            )
        network, bridge = matched.groups()
        if network in mappings or bridge in mappings.values():
            raise DeployError(f"CELERITY_BRIDGE_MAPPINGS: {entry.strip()!r} names a network or a bridge again.")
        mappings[network] = bridge
    if "br-int" in mappings.values():
        raise DeployError("CELERITY_BRIDGE_MAPPINGS: br-int is OVN's own bridge.", hint="Name another bridge.")
    return mappings


def own_address() -> str:
    """Return the address that this machine uses towards others, 127.0.0.1 without a route. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _tunnel_address(environment: Environment) -> str:
    text = environment.values.get("CELERITY_TUNNEL_ADDRESS") or own_address()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise DeployError(f"CELERITY_TUNNEL_ADDRESS: {error}.") from None


def _management(environment: Environment) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    texts = environment.values.get("CELERITY_MANAGEMENT_RANGES", "").split(",")
    try:
        return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())
    except ValueError as error:
        raise DeployError(f"CELERITY_MANAGEMENT_RANGES: {error}.") from None


def read(environment: Environment) -> OvnSettings:
    """Return the settings. Raises DeployError that names the setting which cannot be used."""
    return OvnSettings(
        datapath=_choice(environment, "CELERITY_DATAPATH", DATAPATHS),
        offloads=_choice(environment, "CELERITY_NETDEV_OFFLOADS", OFFLOADS),
        external=_external(environment),
        mappings=_mappings(environment),
        tunnel_address=_tunnel_address(environment),
        management=_management(environment),
    )
