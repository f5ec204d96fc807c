"""The user-space datapath's way to other hosts: a bridge that holds the uplink and has the tunnel's address.

Open vSwitch in user space sends tunnelled packets only from an address on one of its bridges. With the kernel's
datapath, the address stays where it is.
"""

import ipaddress
from pathlib import Path

from deploy.errors import DeployError
from deploy.ovn import external
from deploy.ovn.datapath import NETDEV, Datapath
from deploy.ovn.places import Places, run, vsctl
from deploy.ovn.settings import OvnSettings

BRIDGE = "br-tunnel"


def is_needed(settings: OvnSettings, datapath: Datapath) -> bool:
    return datapath.kind == NETDEV and settings.uplink is not None


def check(settings: OvnSettings, datapath: Datapath) -> None:
    """Raise DeployError for an uplink whose address cannot be moved to the bridge."""
    if not is_needed(settings, datapath) or settings.uplink is None:
        return
    if _address(BRIDGE, settings) is None and _address(settings.uplink, settings) is None:
        raise DeployError(
            f"{settings.uplink} does not have the address {settings.tunnel_address}.",
            hint="CELERITY_TUNNEL_ADDRESS must be an address of CELERITY_TUNNEL_UPLINK.",
        )
    if settings.uplink in external.default_devices():
        raise DeployError(
            f"{settings.uplink} carries this machine's default route; as an uplink of tunnels it would lose it.",
            hint="Give CELERITY_TUNNEL_UPLINK a separate device, or use a kernel that has openvswitch.",
        )


def make_bridge(places: Places, settings: OvnSettings, datapath: Datapath) -> list[str]:
    """Have the bridge with the uplink in the database; return its name in a list, which is empty without one."""
    if not is_needed(settings, datapath) or settings.uplink is None:
        return []
    bridge = ("--may-exist", "add-br", BRIDGE, "--", "set", "Bridge", BRIDGE, f"datapath_type={NETDEV}")
    settled = ("fail_mode=standalone", f"external_ids:uplink={settings.uplink}")
    vsctl(places, *bridge, *settled, "--", "--may-exist", "add-port", BRIDGE, settings.uplink)
    return [BRIDGE]


def move_address(settings: OvnSettings, datapath: Datapath) -> None:
    """Move the tunnel's address from the uplink to the bridge, which must exist. Done again, nothing changes."""
    if not is_needed(settings, datapath) or settings.uplink is None:
        return
    if address := _address(settings.uplink, settings):
        _move(address, settings.uplink, BRIDGE)
    _ignore_arp(settings.uplink, "1")
    run("ip", "link", "set", "dev", BRIDGE, "up")


def give_back(uplink: str) -> None:
    """Move the bridge's addresses back to the uplink, before the bridge is removed."""
    for address in external.addresses(BRIDGE):
        _move(address, BRIDGE, uplink)
    _ignore_arp(uplink, "0")


def _ignore_arp(device: str, value: str) -> None:
    """Set whether the kernel is silent on a device about addresses of other devices: the switch answers for them."""
    path = Path("/proc/sys/net/ipv4/conf") / device / "arp_ignore"
    if path.exists():
        path.write_text(value)


def _address(device: str, settings: OvnSettings) -> ipaddress.IPv4Interface | None:
    return next((item for item in external.addresses(device) if str(item.ip) == settings.tunnel_address), None)


def _move(address: ipaddress.IPv4Interface, source: str, target: str) -> None:
    run("ip", "address", "delete", str(address), "dev", source)
    run("ip", "address", "add", str(address), "dev", target)
