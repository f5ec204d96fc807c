"""Router advertisements: OVN passes them whatever its ACLs say, so a rule on each tap drops all but routers' own.

The rule is in the tap's egress hook, where packets leave the switch for the guest: with the user-space datapath, those
that the guest sends reach the switch before any hook. A router is known by its MAC, which port security keeps guests
from using.

Frames of subports have a VLAN's tag, behind which nftables parses nothing: their bytes are compared. Headers between
that of IPv6 and the advertisement (RFC 7113) would hide it there, so such packets from a neighbour are dropped as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workers.drivers.network.errors import NetworkUnavailable
from workers.system import processes

TABLE = "celerity_guard"
_TIMEOUT_S = 10
# A tag with IPv6 behind it, then by bits from the frame's begin: next header 192, hop limit 200, source 208, type 464.
_TAGGED = "@ll,96,16 0x8100 @ll,128,16 0x86dd"
_TAGGED_ADVERTISEMENT = f"{_TAGGED} @ll,192,8 58 @ll,464,8 134"
_TAGGED_HIDDEN = f"{_TAGGED} @ll,200,8 255 @ll,208,10 0x3fa @ll,192,8 {{ 0, 43, 44, 51, 60, 135, 139, 140 }}"
_RULES = 3
_OTHERWISE = frozenset({"otherwise"})  # the routers of a chain that an older version made
_CHAIN = '{{ type filter hook egress device "{tap}" priority filter; policy accept; }}'


def taps() -> dict[str, frozenset[str]]:
    """The taps that have a rule, and those that had one and are gone, with the MACs of their routers."""
    listed = processes.run(["nft", "-j", "list", "table", "netdev", TABLE], timeout_s=_TIMEOUT_S, check=False)
    if listed.returncode != 0:
        return {}
    items = json.loads(listed.text)["nftables"]
    admitted: dict[str, list[frozenset[str]]] = {item["chain"]["name"]: [] for item in items if "chain" in item}
    for item in items:
        if "rule" in item:
            admitted[item["rule"]["chain"]].append(frozenset(_macs(item["rule"]["expr"])))
    return {tap: frozenset().union(*rules) if len(rules) == _RULES else _OTHERWISE for tap, rules in admitted.items()}


def ensure(routers: Mapping[str, Iterable[str]]) -> None:
    """Have the rule on taps, which must exist; by tap, the MACs of its routers. Raises NetworkUnavailable."""
    lines = [f"add table netdev {TABLE}"]
    for tap, macs in routers.items():
        chain = f"chain netdev {TABLE} {tap}"
        added = f"add {chain} {_CHAIN.format(tap=tap)}"
        others = f"ether saddr != {{ {', '.join(sorted(macs))} }} " if macs else ""
        rules = [
            f"add rule netdev {TABLE} {tap} {match} drop"
            for match in (
                f"icmpv6 type nd-router-advert {others}",
                f"{_TAGGED_ADVERTISEMENT} {others}",
                _TAGGED_HIDDEN,
            )
        ]
        # Made again as a whole: a chain whose tap was removed meanwhile may have lost its hook.
        lines += [added, f"delete {chain}", added, *rules]
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
