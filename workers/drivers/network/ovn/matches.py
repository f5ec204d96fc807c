"""Rules of security groups as matches of OVN: made of numbers and parsed ranges alone, and merged where they can be.

A host's flows are ACLs times ports unless an ACL's match holds a set: then they are a sum. So rules that differ in the
remote range alone become one ACL with a set of ranges, and those that differ in a single port one with a set of ports.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from workers.drivers.network.base import rules
from workers.drivers.network.base.rules import GroupSpec, RuleSpec

_NAMES = {rules.TCP: "tcp", rules.UDP: "udp", rules.SCTP: "sctp"}
_FLOWS_OF_A_STATEFUL_ACL = 2  # one for new connections, one for those whose rule came back


@dataclass(frozen=True, slots=True)
class Match:
    """One ACL's condition. `ports` are single ones, a range, or empty for any; `ranges` empty stands for any remote."""

    direction: str
    version: int
    protocol: int | None
    ports: tuple[int, ...] | tuple[tuple[int, int]] | tuple[int | None, int | None]
    ranges: tuple[str, ...] = ()
    group: str | None = None

    @property
    def remote(self) -> str:
        """The field of the remote end's address."""
        return f"ip{self.version}.{'src' if self.direction == 'ingress' else 'dst'}"


def of_group(group: GroupSpec) -> list[Match]:
    """The matches of a group's rules, merged, in a fixed order."""
    return _merge_ports(_merge_ranges(group.rules))


def flows(group: GroupSpec, members: int) -> int:
    """Estimate a group's flows on a host with `members` ports of it."""
    total = 0
    for match in of_group(group):
        sets = [len(items) for items in (match.ranges, match.ports if _are_single(match) else ()) if len(items) > 1]
        total += members + sum(sets)
    return total * (_FLOWS_OF_A_STATEFUL_ACL if group.stateful else 1)


def text(match: Match, member: str, *, ranges: str | None = None) -> str:
    """The match in OVN's language, for ports of the port group `member`. `ranges`: the address set that has them."""
    port = "outport" if match.direction == "ingress" else "inport"
    parts = [f"{port} == @{member}", f"ip{match.version}", *_protocol(match)]
    if match.group is not None:
        parts.append(f"{match.remote} == ${port_group(match.group)}_ip{match.version}")
    elif ranges is not None:
        parts.append(f"{match.remote} == ${ranges}")
    elif match.ranges:
        parts.append(f"{match.remote} == {_set(match.ranges)}")
    return " && ".join(parts)


def port_group(group_id: str) -> str:
    """The name of a group's port group: OVN's names have no hyphens."""
    return f"pg_{group_id.replace('-', '_')}"


def _protocol(match: Match) -> list[str]:
    number = match.protocol
    if number is None:
        return []
    if number in (rules.ICMP, rules.ICMP_6):
        name = f"icmp{match.version}"
        kinds = zip(("type", "code"), match.ports, strict=False)
        return [name, *(f"{name}.{field} == {int(value)}" for field, value in kinds if isinstance(value, int))]
    if number not in _NAMES:
        return [f"ip.proto == {int(number)}"]
    name = _NAMES[number]
    if not match.ports:
        return [name]
    if _are_single(match):
        return [name, f"{name}.dst == {_set(str(int(port)) for port in match.ports if isinstance(port, int))}"]
    ((low, high),) = match.ports  # type: ignore[misc]
    return [name, f"{int(low)} <= {name}.dst <= {int(high)}"]


def _are_single(match: Match) -> bool:
    return match.protocol in _NAMES and all(isinstance(port, int) for port in match.ports)


def _set(items: Iterable[str]) -> str:
    listed = list(items)
    return listed[0] if len(listed) == 1 else "{" + ", ".join(listed) + "}"


def _merge_ranges(given: Iterable[RuleSpec]) -> list[Match]:
    """Merge rules that differ in their remote range; one for any remote makes the others of its kind needless."""
    kinds: dict[Match, set[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {}
    for rule in given:
        kind = Match(rule.direction, rule.version, rule.protocol, _ports(rule), (), rule.remote_group)
        remote = ipaddress.ip_network(rule.remote_range or ("0.0.0.0/0" if rule.version == 4 else "::/0"))
        kinds.setdefault(kind, set()).add(remote)
    merged = []
    for kind, networks in kinds.items():
        collapsed = [str(network) for network in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]
        every = any(network.endswith("/0") for network in collapsed)
        ranges = () if every else tuple(collapsed)
        merged.append(Match(kind.direction, kind.version, kind.protocol, kind.ports, ranges, kind.group))
    return merged


def _merge_ports(matches: Iterable[Match]) -> list[Match]:
    """Merge matches that differ in a single port."""
    kinds: dict[Match, set[int]] = {}
    kept = []
    for match in matches:
        if match.protocol in _NAMES and match.ports and _are_single(match):
            kind = Match(match.direction, match.version, match.protocol, (), match.ranges, match.group)
            kinds.setdefault(kind, set()).update(port for port in match.ports if isinstance(port, int))
        else:
            kept.append(match)
    for kind, ports in kinds.items():
        kept.append(Match(kind.direction, kind.version, kind.protocol, tuple(sorted(ports)), kind.ranges, kind.group))
    return sorted(kept, key=str)


def _ports(rule: RuleSpec) -> tuple[int, ...] | tuple[tuple[int, int]] | tuple[int | None, int | None]:
    if rule.is_icmp:
        return (rule.low, rule.high) if rule.low is not None else ()
    if rule.low is None or rule.high is None or (rule.low, rule.high) == (0, 65535):
        return ()
    return (rule.low,) if rule.low == rule.high else ((rule.low, rule.high),)
