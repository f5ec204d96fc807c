"""How libvirt reaches our Open vSwitch: it runs `ovs-vsctl`, which asks OVS_RUNDIR, or a fixed path without it.

A libvirtd that `make up` runs has OVS_RUNDIR in its environment. For one that something else runs, the fixed path is
made a link to our socket, unless another Open vSwitch is there.
"""

import os
from pathlib import Path

import psutil

from deploy import processes
from deploy.errors import DeployError
from deploy.instances import libvirt
from deploy.ovn.places import Places

FIXED = Path("/run/openvswitch/db.sock")
DAEMONS = {"libvirtd", "virtqemud"}


def _socket(places: Places) -> Path:
    return places.host / "db.sock"


def _is_linked(places: Places) -> bool:
    return FIXED.is_symlink() and FIXED.readlink() == _socket(places)


def _are_configured(places: Places) -> list[bool]:
    """Return of each libvirt daemon that runs here whether its environment names our Open vSwitch."""
    answers = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in DAEMONS and processes.shares_network(process):
            try:
                answers.append(process.environ().get("OVS_RUNDIR") == str(places.host))
            except psutil.Error:
                continue
    return answers


def reaches(places: Places) -> bool:
    """Say whether the libvirt that runs here plugs guests into our Open vSwitch. None running: it would."""
    return _is_linked(places) or all(_are_configured(places))


def ensure(places: Places) -> None:
    """Have libvirt reach our Open vSwitch. Raises DeployError where another one is in the way."""
    if reaches(places):
        return
    if libvirt.accepts(FIXED):
        raise DeployError(
            f"libvirt would plug guests into another Open vSwitch, the one of {FIXED}.",
            hint=f"Stop that one, or give libvirt ours: systemctl edit libvirtd, [Service] "
            f"Environment=OVS_RUNDIR={places.host}, and restart libvirtd.",
        )
    FIXED.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = FIXED.with_name(f".{FIXED.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(_socket(places))
    partial.rename(FIXED)


def remove(places: Places) -> None:
    """Remove the link, if it is ours."""
    if _is_linked(places):
        FIXED.unlink()
