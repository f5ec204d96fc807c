"""Router advertisements: OVN passes them whatever its ACLs say, so a rule on each tap drops all but routers' own.

The rule is in the tap's egress hook, where packets leave the switch for the guest: with the user-space datapath, those
that the guest sends reach the switch before any hook. A router is known by its MAC, which port security keeps guests
from using.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workers.drivers.network.errors import NetworkUnavailable
from workers.system import processes

TABLE = "celerity_guard"
_TIMEOUT_S = 10
_CHAIN = '{{ type filter hook egress device "{tap}" priority filter; policy accept; }}'


def taps() -> dict[str, frozenset[str]]:
    """The taps that have a rule, and those that had one and are gone, with the MACs of their routers."""
    listed = processes.run(["nft", "-j", "list", "table", "netdev", TABLE], timeout_s=_TIMEOUT_S, check=False)
    if listed.returncode != 0:
        return {}
    items = json.loads(listed.text)["nftables"]
    admitted: dict[str, frozenset[str]] = {item["chain"]["name"]: frozenset() for item in items if "chain" in item}
    for item in items:
        if "rule" in item:
            admitted[item["rule"]["chain"]] = frozenset(_macs(item["rule"]["expr"]))
    return admitted


def ensure(routers: Mapping[str, Iterable[str]]) -> None:
    """Have the rule on taps, which must exist; by tap, the MACs of its routers. Raises NetworkUnavailable."""
    lines = [f"add table netdev {TABLE}"]
    for tap, macs in routers.items():
        chain = f"chain netdev {TABLE} {tap}"
        added = f"add {chain} {_CHAIN.format(tap=tap)}"
        others = f"ether saddr != {{ {', '.join(sorted(macs))} }} " if macs else ""
        rule = f"add rule netdev {TABLE} {tap} icmpv6 type nd-router-advert {others}drop"
        # Made again as a whole: a chain whose tap was removed meanwhile may have lost its hook.
        lines += [added, f"delete {chain}", added, rule]
    _run(lines)


def remove(names: Iterable[str]) -> None:
    """Remove the rules of taps, which may be gone. Absent is success."""
    if present := sorted(taps().keys() & set(names)):
        _run([f"delete chain netdev {TABLE} {tap}" for tap in present])


def _macs(expressions: Iterable[Mapping[str, Any]]) -> list[str]:
    for expression in expressions:
        match = expression.get("match", {})
        if match.get("left", {}).get("payload", {}).get("protocol") == "ether":
            right = match["right"]
            return list(right["set"]) if isinstance(right, dict) else [right]
    return []


def _run(lines: list[str]) -> None:
    try:
        processes.run(["nft", "-f", "-"], input="\n".join(lines).encode(), timeout_s=_TIMEOUT_S)
    except processes.ProcessError as error:
        raise NetworkUnavailable("The host refused the packet filter of a port.", details=error.details) from error
