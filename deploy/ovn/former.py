"""The upgrade of a cloud whose networks were bridges of each host's kernel: what is asked, moved and removed.

Running guests keep their addresses, their gateway with its MAC, and their connections: the host agent moves each tap
from its bridge to Open vSwitch. A mark in the state directory remembers an upgrade that has not been finished.
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from deploy import manage, processes
from deploy.console import line
from deploy.environment import DEFAULTS, Environment, from_process, read_file
from deploy.errors import DeployError
from deploy.ovn.places import run

CHOICE = "CELERITY_GROUPS"
CLOSED = "servers have ports that their security groups would close"  # the last line of the check
MARK = {"CELERITY_NETWORK_DRIVER": "ovn"}
"""The line of a cloud's settings that says it has OVN. Clouds of bridges have none, or another value."""
MOVE_SECONDS = 90
_TABLE = "celerity"
_DEVICES = Path("/sys/class/net")


def _mark(state: Path) -> Path:
    return state / "ovn-upgrade"


def note(state: Path) -> None:
    """Remember that the cloud of this state has had bridges until now. Called before its settings are written."""
    stored = read_file(state / "celerity.env")
    real = {**DEFAULTS, **stored, **from_process()}["CELERITY_HYPERVISOR"] != "simulated"
    if real and (state / "hosts").is_dir() and not MARK.items() <= stored.items():
        _mark(state).touch()


def is_pending(environment: Environment) -> bool:
    return environment.ovn and _mark(environment.state).exists()


def finish(environment: Environment) -> None:
    _mark(environment.state).unlink(missing_ok=True)


def require_choice(environment: Environment) -> None:
    """Raise DeployError with the ports that enforcement closes, unless the operator has chosen. PostgreSQL runs."""
    if os.environ.get(CHOICE) in ("enforce", "open"):
        return
    try:
        manage.run(environment, "network_upgrade", "--check")
    except DeployError as error:
        if CLOSED not in error.details:
            raise
        raise DeployError(
            "Security groups are enforced from now on, and some servers' groups would close them.",
            hint="make up GROUPS=enforce continues with the groups as they are; make up GROUPS=open adds rules that "
            "keep these servers open, until their owners delete them.",
            details=error.details,
        ) from None


def change_rows(environment: Environment) -> None:
    """Give networks their routers, and open groups if the operator chose that."""
    for text in manage.run(environment, "network_upgrade", "--groups", os.environ.get(CHOICE, "enforce")).splitlines():
        line(f"    {text}")


def has_bridges(environment: Environment) -> bool:
    """Say whether this machine has networks of the time before OVN."""
    return any((environment.state / "hosts").glob("*/networks"))


def remove_bridges(environment: Environment, *, moved: bool = True) -> None:
    """Wait until the agent has moved every tap, then remove this machine's bridges, DHCP servers and rules.

    ``moved`` False: no guest runs any more. Raises DeployError for a tap that stays where it is: its guest would lose
    its network.
    """
    for root in sorted((environment.state / "hosts").glob("*/networks")):
        networks = {path.parent: _record(path) for path in sorted(root.glob("*/network.json"))}
        bridges = [record["bridge"] for record in networks.values() if record]
        if moved:
            _wait_moved(environment, bridges)
        for directory in networks:
            processes.end(_servers(directory), 10)
        for bridge in bridges:
            if (_DEVICES / bridge / "bridge").is_dir():
                run("ip", "link", "delete", "dev", bridge)
        _remove_rules(set(bridges))
        shutil.rmtree(root)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and "bridge" in record else {}


def _members(bridge: str) -> list[str]:
    directory = _DEVICES / bridge / "brif"
    return sorted(member.name for member in directory.iterdir()) if directory.is_dir() else []


def _wait_moved(environment: Environment, bridges: list[str]) -> None:
    deadline = time.monotonic() + MOVE_SECONDS
    while left := [f"{tap} in {bridge}" for bridge in bridges for tap in _members(bridge)]:
        if time.monotonic() > deadline:
            raise DeployError(
                f"Guests are still on bridges of the kernel: {', '.join(left)}.",
                hint=f"{environment.log}/host-agent.log says why; make up continues from here.",
            )
        time.sleep(0.1)


def _servers(directory: Path) -> list[psutil.Process]:
    """Return the DHCP servers of a network: its directory is on their command lines."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "dnsmasq" and f"{directory}/" in " ".join(process.info["cmdline"] or ())
    ]


def _remove_rules(bridges: set[str]) -> None:
    """Remove the table, unless another cloud's bridges have rules in it: those of removed bridges match nothing."""
    listed = run("nft", "-j", "list", "set", "inet", _TABLE, "bridges", check=False)
    if listed.returncode != 0:
        return
    items = json.loads(listed.stdout)["nftables"]
    if {name for item in items for name in item.get("set", {}).get("elem", ())} <= bridges:
        run("nft", "delete", "table", "inet", _TABLE)
