"""The external network on this machine: an address on its bridge, and rules in an nftables table of our own.

Guests leave through routers of OVN with an address of the external network; the machine masquerades what goes on. Of
the machine itself they reach nothing but ping; link-local and management ranges they do not reach through it.
"""

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.errors import DeployError
from deploy.ovn.places import run
from deploy.ovn.settings import OvnSettings

TABLE = "celerity_external"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")
_RULES = """\
table inet {table}
delete table inet {table}
table inet {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {external} oifname != "{bridge}" masquerade
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "{bridge}" ct state established,related accept
        iifname "{bridge}" icmp type echo-request accept
        iifname "{bridge}" drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{bridge}" ct state established,related accept
        iifname "{bridge}" ip saddr != {external} drop
{closed}
        iifname "{bridge}" ip6 version 6 drop
    }}
}}
"""


def _ip(*arguments: str) -> list[dict[str, Any]]:
    text = run("ip", "-json", "-4", *arguments).stdout
    return list(json.loads(text or "[]"))


def routes_in(external: ipaddress.IPv4Network, routes: Iterable[dict[str, Any]], bridge: str) -> list[str]:
    """Return the machine's routes that overlap with the external network, its own and the default route left out."""
    overlapping = []
    for route in routes:
        if route["dst"] == "default" or route.get("dev") == bridge:
            continue
        if ipaddress.IPv4Network(route["dst"]).overlaps(external):
            overlapping.append(f"{route['dst']} dev {route.get('dev', '-')}")
    return overlapping


def default_devices() -> set[str]:
    """Return the devices of the machine's default routes."""
    return {str(route.get("dev")) for route in _ip("route", "show", "default")}


def require_free(settings: OvnSettings) -> None:
    """Raise DeployError where the machine already routes the external network somewhere else."""
    bridge = settings.external_bridge
    if bridge is None:
        return
    if taken := routes_in(settings.external, _ip("route", "show"), bridge):
        raise DeployError(
            f"CELERITY_EXTERNAL_CIDR is {settings.external}, and this machine routes {taken[0]} already.",
            hint="Choose a range that nothing else uses, for example CELERITY_EXTERNAL_CIDR=198.19.7.0/24.",
        )


def addresses(bridge: str) -> list[ipaddress.IPv4Interface]:
    """Return the machine's addresses on a bridge; none where it does not exist."""
    return [
        ipaddress.IPv4Interface(f"{item['local']}/{item['prefixlen']}")
        for link in _ip("address", "show")
        for item in link.get("addr_info", ())
        if link.get("ifname") == bridge
    ]


def table(
    name: str, network: ipaddress.IPv4Network, device: str,
    closed: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> str:  # fmt: skip
    """Return the table of a device in the external network as nft reads it: replaced as a whole, in one transaction.

    ``closed`` are ranges that guests do not reach through this machine.
    """
    rules = [f"ip{'6' if net.version == 6 else ''} daddr {net} drop" for net in (_LINK_LOCAL, *closed)]
    lines = "\n".join(f'        iifname "{device}" {rule}' for rule in rules)
    return _RULES.format(table=name, external=network, bridge=device, closed=lines)


def rules(settings: OvnSettings, bridge: str) -> str:
    """Return the table of this machine's bridge."""
    return table(TABLE, settings.external, bridge, settings.management)


def ensure(settings: OvnSettings) -> None:
    """Have the machine's address on the external bridge, which must exist, and the rules."""
    bridge = settings.external_bridge
    if bridge is None:
        remove_rules()
        return
    run("nft", "-f", "-", stdin=rules(settings, bridge))  # before the address: nobody gets in between
    wanted = settings.external_address
    present = addresses(bridge)
    for address in present:
        if address != wanted:
            run("ip", "address", "delete", str(address), "dev", bridge)
    if wanted not in present:
        run("ip", "address", "add", str(wanted), "dev", bridge)
    run("ip", "link", "set", "dev", bridge, "up")
    if FORWARDING.read_text().strip() != "1":
        FORWARDING.write_text("1")


def remove_rules() -> None:
    """Remove the table. Absent is success."""
    run("nft", "-f", "-", stdin=f"table inet {TABLE}\ndelete table inet {TABLE}\n")
