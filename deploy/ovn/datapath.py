"""The datapath: the kernel's where it has one that is free, else Open vSwitch's own in user space (netdev)."""

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass

import psutil

from deploy import processes
from deploy.errors import DeployError
from deploy.ovn.places import Places, run
from deploy.ovn.settings import OvnSettings

SYSTEM, NETDEV = "system", "netdev"
TUNNEL_OFFLOADS = (3, 5)  # the first Open vSwitch that sends packets with offload flags through a user-space tunnel


@dataclass(frozen=True)
class Datapath:
    """``segmentation`` (netdev): large segments stay whole between guests, and guests' offloads are on."""

    kind: str
    segmentation: bool


def kernel_has_openvswitch() -> bool:
    """Say whether the kernel has the datapath, loading its module where it is one."""
    with suppress(OSError, subprocess.TimeoutExpired):  # a kernel without modules may have it built in
        subprocess.run(["modprobe", "-q", "openvswitch"], check=False, capture_output=True, timeout=20)
    return run("ovs-dpctl", "dump-dps", check=False).returncode == 0


def other_switches(places: Places) -> list[int]:
    """Return the ids of the ovs-vswitchd processes in this network namespace that are not this cloud's."""
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "ovs-vswitchd"
        and f"{places.host}/" not in " ".join(process.info["cmdline"] or ())
        and processes.shares_network(process)
    ]


def version() -> tuple[int, ...]:
    """Return the version of the installed Open vSwitch."""
    said = run("ovs-vswitchd", "--version").stdout
    matched = re.search(r"\) (\d+(?:\.\d+)+)", said)
    if matched is None:
        raise DeployError("ovs-vswitchd does not tell its version.", details=said)
    return tuple(int(part) for part in matched.group(1).split("."))


def segmentation(kind: str, offloads: str, installed: tuple[int, ...]) -> bool:
    """Say whether large segments may pass whole. Before 3.5, user-space tunnels drop them: TCP is dead, ping works."""
    return kind == SYSTEM or offloads == "single-host" or installed >= TUNNEL_OFFLOADS


def choose(settings: OvnSettings, places: Places) -> Datapath:
    """Return the datapath to use. Raises DeployError where the one that was asked for cannot work.

    Two Open vSwitches cannot share the kernel's datapath: each removes the other's ports.
    """
    others = other_switches(places)
    if settings.datapath == SYSTEM:
        if others:
            raise DeployError(
                f"Another Open vSwitch (process {others[0]}) uses this machine's kernel datapath.",
                hint="Stop it, or set CELERITY_DATAPATH=netdev.",
            )
        if not kernel_has_openvswitch():
            raise DeployError(
                "CELERITY_DATAPATH is system, and this kernel has no openvswitch.",
                hint="Load the module (modprobe openvswitch), or set CELERITY_DATAPATH=netdev.",
            )
        kind = SYSTEM
    elif settings.datapath == NETDEV or others or not kernel_has_openvswitch():
        kind = NETDEV
    else:
        kind = SYSTEM
    used = Datapath(kind, segmentation(kind, settings.offloads, version()))
    _check_offloads(settings, used)
    return used


def _check_offloads(settings: OvnSettings, used: Datapath) -> None:
    """Raise DeployError where a host would join a cloud whose packets its tunnels drop."""
    if used.kind == NETDEV and settings.remote and used.segmentation and version() < TUNNEL_OFFLOADS:
        raise DeployError(
            "Open vSwitch before 3.5 drops large segments in user-space tunnels: TCP between hosts would be dead.",
            hint="On the first machine: celerity network_offloads multi-host, make up, and restart the guests that it "
            "lists; then make up here. Or use a kernel that has openvswitch, or Open vSwitch 3.5.",
        )
