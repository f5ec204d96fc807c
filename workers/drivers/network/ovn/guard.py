"""Router advertisements of guests: OVN passes them whatever its ACLs say, so a rule on each tap drops them.

The rule is in the tap's egress hook, where packets leave the switch for the guest: with the user-space datapath, those
that the guest sends reach the switch before any hook. No router of ours advertises itself, so all are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from workers.drivers.network.errors import NetworkUnavailable
from workers.system import processes

TABLE = "celerity_guard"
_TIMEOUT_S = 10
_CHAIN = '{{ type filter hook egress device "{tap}" priority filter; policy accept; }}'


def taps() -> frozenset[str]:
    """The taps that have a rule, and those that had one and are gone."""
    listed = processes.run(["nft", "-j", "list", "table", "netdev", TABLE], timeout_s=_TIMEOUT_S, check=False)
    if listed.returncode != 0:
        return frozenset()
    return frozenset(item["chain"]["name"] for item in json.loads(listed.text)["nftables"] if "chain" in item)


def ensure(names: Iterable[str]) -> None:
    """Have the rule on taps, which must exist. Raises NetworkUnavailable."""
    lines = [f"add table netdev {TABLE}"]
    for tap in names:
        chain = f"chain netdev {TABLE} {tap}"
        added = f"add {chain} {_CHAIN.format(tap=tap)}"
        # Made again as a whole: a chain whose tap was removed meanwhile may have lost its hook.
        lines += [added, f"delete {chain}", added, f"add rule netdev {TABLE} {tap} icmpv6 type nd-router-advert drop"]
    _run(lines)


def remove(names: Iterable[str]) -> None:
    """Remove the rules of taps, which may be gone. Absent is success."""
    if present := sorted(taps() & set(names)):
        _run([f"delete chain netdev {TABLE} {tap}" for tap in present])


def _run(lines: list[str]) -> None:
    try:
        processes.run(["nft", "-f", "-"], input="\n".join(lines).encode(), timeout_s=_TIMEOUT_S)
    except processes.ProcessError as error:
        raise NetworkUnavailable("The host refused the packet filter of a port.", details=error.details) from error
