"""Security groups as port groups with ACLs, and the one port group that drops what no group of a port allows."""

from __future__ import annotations

from workers.drivers.network.base.rules import GroupSpec
from workers.drivers.network.ovn import matches
from workers.drivers.network.ovn.rows import Link, Row, derived
from workers.drivers.network.ovn.wire import Value

TABLE, ACL, ADDRESSES = "Port_Group", "ACL", "Address_Set"
GUARD = "pg_guarded"
# A match that changes is programmed again as a whole; of a separate set only what differs.
_INLINE = 8
_DROP, _ALLOW, _ASK, _NO_SERVER = 1001, 1002, 1003, 1004
_DIRECTIONS = {"ingress": "to-lport", "egress": "from-lport"}


def guard_key() -> str:
    """The UUID of the port group of all guarded ports."""
    return derived("guard")


def guard_rows() -> list[Row]:
    """The port group of all guarded ports: closed, but for questions to DHCP servers, and never one of these."""
    made = [Row(TABLE, guard_key(), {"name": GUARD, "external_ids": {}})]
    for direction, port in (("to-lport", "outport"), ("from-lport", "inport")):
        made.append(_acl(guard_key(), direction, _DROP, f"{port} == @{GUARD} && ip", "drop"))
    for version, client, server in ((4, 68, 67), (6, 546, 547)):
        inner = f"inport == @{GUARD} && ip{version} && udp.src == "
        made.append(_acl(guard_key(), "from-lport", _ASK, f"{inner}{client} && udp.dst == {server}", "allow"))
        made.append(_acl(guard_key(), "from-lport", _NO_SERVER, f"{inner}{server} && udp.dst == {client}", "drop"))
    return made


def rows(group: GroupSpec) -> list[Row]:
    """A group's port group, by the group's own id, its ACLs, and the sets of ranges that these name."""
    name = matches.port_group(group.id)
    made = [Row(TABLE, group.id, {"name": name, "external_ids": {}})]
    action = "allow-related" if group.stateful else "allow-stateless"
    for match in matches.of_group(group):
        addresses = _addresses(group, match)
        listed = str(addresses.columns["name"]) if addresses is not None else None
        if addresses is not None:
            made.append(addresses)
        text = matches.text(match, name, ranges=listed)
        made.append(_acl(group.id, _DIRECTIONS[match.direction], _ALLOW, text, action))
    return made


def mark(group_id: str) -> dict[str, str]:
    """The mark of a group's sets of ranges."""
    return {"celerity:group": group_id}


def _addresses(group: GroupSpec, match: matches.Match) -> Row | None:
    """The set of a match's ranges, by what the match says beside them; None where the match holds them itself."""
    if len(match.ranges) <= _INLINE:
        return None
    key = derived("ranges", group.id, match.direction, str(match.version), str(match.protocol), str(match.ports))
    columns: dict[str, Value] = {
        "name": f"as_{key.replace('-', '_')}",
        "addresses": frozenset(match.ranges),
        "external_ids": mark(group.id),
    }
    return Row(ADDRESSES, key, columns)


def _acl(owner: str, direction: str, priority: int, match: str, action: str) -> Row:
    """An ACL, by all that it says: another text is another row."""
    columns: dict[str, Value] = {"direction": direction, "priority": priority, "match": match, "action": action}
    key = derived("acl", owner, direction, str(priority), match, action)
    return Row(ACL, key, columns, frozenset({Link(TABLE, owner, "acls")}))
