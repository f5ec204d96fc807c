"""Security groups on OVN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base.rules import GroupSpec, RulesDriver
from workers.drivers.network.ovn import diff, groups, matches, wire
from workers.drivers.network.ovn.northbound import Northbound
from workers.drivers.network.ovn.ovsdb import Operation, Query, by_uuid
from workers.drivers.network.ovn.rows import Row


class OvnRules(RulesDriver):
    """See RulesDriver."""

    def __init__(self, northbound: Northbound) -> None:
        self._northbound = northbound

    def ensure_groups(self, groups_: Sequence[GroupSpec]) -> None:
        rows = [row for group in groups_ for row in groups.rows(group)]
        self._northbound.ensure(rows, without=self._dropped(groups_, rows))

    def remove_groups(self, group_ids: Iterable[str]) -> None:
        operations: list[Operation] = []
        for group_id in group_ids:
            values.check_uuid(group_id, "a group's id")
            operations += diff.removal(groups.TABLE, group_id)
            operations.append(diff.removal_of_marked(groups.ADDRESSES, groups.mark(group_id)))
        self._northbound.remove(operations)

    def list_groups(self) -> frozenset[str]:
        (rows,) = self._northbound.database.select([(groups.TABLE, [], ())])
        return frozenset(str(row["_uuid"]) for row in rows) - {groups.guard_key()}

    def flows(self, group: GroupSpec, members: int) -> int:
        return matches.flows(group, members)

    def _dropped(self, groups_: Sequence[GroupSpec], rows: Sequence[Row]) -> list[Operation]:
        """The removal of ACLs and sets of ranges that the groups have and their specs do not."""
        kept = {row.uuid for row in rows}
        queries: list[Query] = [(groups.TABLE, by_uuid(group.id), ("acls",)) for group in groups_]
        operations: list[Operation] = []
        for group, present in zip(groups_, self._northbound.database.select(queries), strict=True):
            acls = {str(uuid) for row in present for uuid in wire.normal(row["acls"])}
            for uuid in sorted(acls - kept):
                operations += diff.removal(groups.ACL, uuid)
            sets = [row.uuid for row in rows if row.table == groups.ADDRESSES]
            operations.append(diff.removal_of_marked(groups.ADDRESSES, groups.mark(group.id), but=sets))
        return operations
