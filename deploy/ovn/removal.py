"""What OVN leaves on a machine after its daemons ended: bridges, taps and rules, which outlive them by design."""

import json
from pathlib import Path
from typing import Any

from deploy.ovn import databases, datapath, external, plugging, tunnel
from deploy.ovn.places import Places, run

GUARD = "celerity_guard"  # the filters of guests' taps, which the agent makes
USER_SPACE_DATAPATH, KERNEL_DATAPATH = "ovs-netdev", "ovs-system"


def _rows(file: Path, table: str, where: list[object], column: str) -> list[Any]:
    query = ["Open_vSwitch", {"op": "select", "table": table, "where": where, "columns": [column]}]
    [answer] = json.loads(run("ovsdb-tool", "query", str(file), json.dumps(query)).stdout)
    return [row[column] for row in answer["rows"]]


def _select(file: Path, table: str, where: list[object], column: str) -> list[str]:
    return sorted({str(value) for value in _rows(file, table, where, column)})


def _uplink(file: Path) -> str | None:
    """Return the device whose address the tunnel's bridge has."""
    [noted] = _rows(file, "Bridge", [["name", "==", tunnel.BRIDGE]], "external_ids") or [["map", []]]
    return dict(noted[1]).get("uplink")


def _devices() -> dict[str, str]:
    """Return this network namespace's devices and their kinds."""
    links: list[dict[str, Any]] = json.loads(run("ip", "-json", "-details", "link", "show").stdout or "[]")
    return {link["ifname"]: str(link.get("linkinfo", {}).get("info_kind", "")) for link in links if "ifname" in link}


def leftovers(places: Places) -> list[str]:
    """Return the network devices of this cloud's Open vSwitch that exist. Its daemons must have ended.

    Only devices that Open vSwitch made are named: taps of the user-space datapath, the datapath in the kernel.
    """
    kinds = _devices()
    file = databases.host(places).file
    if not file.exists() or datapath.other_switches(places):
        return []  # with another Open vSwitch here, devices of these names are as likely its own
    internal = _select(file, "Interface", [["type", "==", "internal"]], "name")
    taps = [name for name in (*internal, USER_SPACE_DATAPATH) if kinds.get(name) == "tun"]
    in_kernel = datapath.SYSTEM in _select(file, "Bridge", [], "datapath_type") and KERNEL_DATAPATH in kinds
    return taps + ([KERNEL_DATAPATH] if in_kernel else [])


def remove(places: Places) -> list[str]:
    """Remove devices and rules; return the devices."""
    removed = leftovers(places)
    if tunnel.BRIDGE in removed and (uplink := _uplink(databases.host(places).file)):
        tunnel.give_back(uplink)
    for device in removed:
        if device == KERNEL_DATAPATH:
            run("ovs-dpctl", "del-dp", f"system@{device}")
        else:
            run("ip", "link", "delete", "dev", device)
    external.remove_rules()
    run("nft", "-f", "-", stdin=f"table netdev {GUARD}\ndelete table netdev {GUARD}\n")
    plugging.remove(places)
    return removed
