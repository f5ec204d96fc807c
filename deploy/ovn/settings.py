"""The settings of the OVN network driver that deploy reads, checked."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.environment import Environment
from deploy.errors import DeployError

DATAPATHS = ("auto", "system", "netdev")
OFFLOADS = ("single-host", "multi-host")
PUBLIC, EXTERNAL_BRIDGE = "public", "br-ex"
SOUTHBOUND_PORT = 6642
# Where frames of networks of the type `local` go instead of through tunnels: a bridge that drops them.
LOCAL, LOCAL_BRIDGE = "celerity-local", "br-local"
ANYWHERE = "203.0.113.1"  # of documentation (RFC 5737): the default route leads there
LONGEST_EXTERNAL_PREFIX = 29  # six addresses: the machine, a router, and a few floating IPs
_REMOTE = re.compile(r"ssl:([0-9.]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_MAPPING = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,62}):([A-Za-z0-9][A-Za-z0-9_.-]{0,14})")


@dataclass(frozen=True)
class OvnSettings:
    """``mappings`` are physical networks and their bridges; ``tunnel_address`` is this machine's for other hosts.

    ``southbound`` is where other hosts reach the southbound database by TLS; None: only this machine does. ``remote``
    is the southbound database of another machine; None: the cloud's databases are here.
    """

    datapath: str
    offloads: str
    external: ipaddress.IPv4Network
    mappings: dict[str, str]
    tunnel_address: str
    uplink: str | None
    southbound: tuple[str, int] | None
    remote: str | None
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
    if {"br-int", "br-tunnel", LOCAL_BRIDGE} & set(mappings.values()) or LOCAL in mappings:
        raise DeployError(
            f"CELERITY_BRIDGE_MAPPINGS: br-int, br-tunnel, {LOCAL_BRIDGE} and {LOCAL} have other uses.",
            hint="Name another one.",
        )
    return mappings


def own_address(towards: str) -> str:
    """Return the address that this machine uses towards another, 127.0.0.1 without a route. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((towards, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _tunnel_address(environment: Environment) -> str:
    remote = _remote(environment) or ""
    first = remote.split(":")[1] if "[" not in remote and remote else ANYWHERE
    text = environment.values.get("CELERITY_TUNNEL_ADDRESS") or own_address(first)
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise DeployError(f"CELERITY_TUNNEL_ADDRESS: {error}.") from None
    if address.is_loopback and (remote or _southbound(environment)):
        raise DeployError(
            f"CELERITY_TUNNEL_ADDRESS is {address}, which other hosts cannot reach.",
            hint="Set it to the address of this machine that the tunnels of other hosts end at.",
        )
    return str(address)


def _uplink(environment: Environment) -> str | None:
    text = environment.values.get("CELERITY_TUNNEL_UPLINK", "")
    if text and not _DEVICE.fullmatch(text):
        raise DeployError(f"CELERITY_TUNNEL_UPLINK is {text!r}, which is no network device.")
    return text or None


def _southbound(environment: Environment) -> tuple[str, int] | None:
    text = environment.values.get("CELERITY_SOUTHBOUND_LISTEN", "")
    if not text:
        return None
    try:
        parts = urlsplit(f"//{text}")
        address, port = str(ipaddress.ip_address(parts.hostname or "")), parts.port or SOUTHBOUND_PORT
    except ValueError as error:
        raise DeployError(
            f"CELERITY_SOUTHBOUND_LISTEN: {error}.", hint="For example 192.0.2.1:6642; [::] means every address."
        ) from None
    return address, port


def _remote(environment: Environment) -> str | None:
    text = environment.values.get("CELERITY_SOUTHBOUND", "")
    if not text:
        return None
    if environment.values.get("CELERITY_SOUTHBOUND_LISTEN"):
        raise DeployError(
            "CELERITY_SOUTHBOUND and CELERITY_SOUTHBOUND_LISTEN are both set.",
            hint="The first machine of the cloud has the second one, every other machine the first.",
        )
    if not _REMOTE.fullmatch(text):
        raise DeployError(f"CELERITY_SOUTHBOUND is {text!r}; it must be like ssl:192.0.2.1:6642.")
    return text


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
        uplink=_uplink(environment),
        southbound=_southbound(environment),
        remote=_remote(environment),
        management=_management(environment),
    )
