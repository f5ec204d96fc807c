"""The lab's switches and cables: bridges of the kernel in a separate network namespace.

Every host has a device on each switch. This machine has two: one among the hosts' management addresses, one in the
external network, where it is the gateway and masquerades what leaves.
"""

import array
import fcntl
import json
import socket
import struct

from deploy.errors import DeployError
from deploy.lab import machines
from deploy.lab import plan as plans
from deploy.lab.plan import MACHINE, OURS, SWITCHES, LabHost, Plan
from deploy.ovn import external
from deploy.ovn.places import run

TABLE = "celerity_lab"
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17


def _ip(*arguments: str, check: bool = True) -> str:
    return run("ip", *arguments, check=check).stdout


def exists(plan: Plan) -> bool:
    listed = json.loads(_ip("-json", "netns", "list") or "[]")
    return any(entry["name"] == plan.namespace for entry in listed)


def require_free(plan: Plan) -> None:
    """Raise DeployError where another lab is here, or this machine routes the lab's range somewhere else."""
    if plans.own_devices() and not exists(plan):
        raise DeployError("Another lab is here.", hint="make lab-down, with the CELERITY_LAB_DIR of that one.")
    routes = json.loads(_ip("-json", "-4", "route", "show") or "[]")
    others = [route for route in routes if route.get("dev") not in OURS.values()]
    if taken := external.routes_in(plan.range, others, ""):
        raise DeployError(
            f"The lab's range is {plan.range}, and this machine routes {taken[0]} already.",
            hint="Choose a /22 that nothing else uses: CELERITY_LAB_RANGE=198.19.240.0/22 make lab",
        )


def build(plan: Plan) -> None:
    """Have the switches, and this machine's cables and rules."""
    if not exists(plan):
        _ip("netns", "add", plan.namespace)
    inside = ("-n", plan.namespace)
    present = {link["ifname"] for link in json.loads(_ip(*inside, "-json", "link", "show"))}
    for switch in SWITCHES:
        if switch not in present:
            _ip(*inside, "link", "add", switch, "type", "bridge")
        _ip(*inside, "link", "set", "dev", switch, "up")
    addresses = {"management": plan.address("management", MACHINE), "external": plan.address("external", 1)}
    for switch, device in OURS.items():
        if device not in plans.own_devices():
            _cable(plan, switch, str(MACHINE), device)
            _ip("address", "add", str(addresses[switch]), "dev", device)
        finish_checksums(device)
        _ip("link", "set", "dev", device, "up")
    _open_way_out(plan)


def connect(plan: Plan, host: LabHost) -> None:
    """Lay a host's cables, after it was switched on."""
    number = machines.pid(host)
    if number is None:
        raise DeployError(f"{host.name} is off.")
    for switch in SWITCHES:
        _ip("-n", plan.namespace, "link", "delete", "dev", end(switch, host), check=False)  # of a host that is gone
        _cable(plan, switch, str(host.number), f"{switch}0", number)
    gateway = plan.address("management", MACHINE).ip
    machines.run(
        host, "ip", "-batch", "-",
        stdin=f"address add {host.management} dev management0\nlink set dev management0 up\n"
        f"address add {host.tunnels} dev tunnels0\nlink set dev tunnels0 up\nlink set dev external0 up\n"
        f"route add default via {gateway}\n",
    )  # fmt: skip


def end(switch: str, host: LabHost) -> str:
    """Return the name of a cable's end at a switch."""
    return f"{switch}-{host.number}"


def set_cables(plan: Plan, host: LabHost, state: str) -> None:
    """Pull a host's cables (``down``) or plug them in again (``up``), at the switches."""
    for switch in SWITCHES:
        _ip("-n", plan.namespace, "link", "set", "dev", end(switch, host), state)


def _cable(plan: Plan, switch: str, name: str, device: str, number: int | None = None) -> None:
    """Lay a cable from a switch to a device of this machine or, with ``number``, of the host with that process 1."""
    there = f"{switch}-{name}"
    # As the card of a real machine, the device has the same address after each start: neighbours remember it.
    mac = f"02:ce:1e:00:{SWITCHES.index(switch):02x}:{int(name):02x}"
    peer = ("peer", "name", device, "address", mac, *(("netns", str(number)) if number else ()))
    _ip("link", "add", there, "netns", plan.namespace, "type", "veth", *peer)
    _ip("-n", plan.namespace, "link", "set", "dev", there, "master", switch, "up")


def finish_checksums(device: str) -> None:
    """Have a device finish its checksums: Open vSwitch in user space passes a frame on as it came."""
    value = array.array("I", [_ETHTOOL_STXCSUM, 0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sQ", device.encode(), value.buffer_info()[0]))


def _open_way_out(plan: Plan) -> None:
    network, device = plan.networks["external"], OURS["external"]
    closed = [plan.networks["management"], plan.networks["tunnels"]]
    run("nft", "-f", "-", stdin=external.table(TABLE, network, device, closed))
    before = plan.directory / "forwarding"
    if not before.exists():
        before.write_text(external.FORWARDING.read_text())
    external.FORWARDING.write_text("1")


def remove(plan: Plan) -> list[str]:
    """Remove the switches, this machine's cables and rules; return the names of what was there."""
    removed = []
    if exists(plan):
        _ip("netns", "delete", plan.namespace)  # and with it the bridges and every cable's end
        removed.append(f"network namespace {plan.namespace}")
    for device in plans.own_devices():
        _ip("link", "delete", "dev", device, check=False)
        removed.append(f"device {device}")
    run("nft", "-f", "-", stdin=f"table inet {TABLE}\ndelete table inet {TABLE}\n")
    before = plan.directory / "forwarding"
    if before.exists():
        external.FORWARDING.write_text(before.read_text())
        before.unlink()
    return removed
