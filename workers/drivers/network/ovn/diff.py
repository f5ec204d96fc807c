"""Compares rows as they should be with rows as they are; the result is operations of OVSDB (RFC 7047, section 5.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.drivers.network.ovn import wire
from workers.drivers.network.ovn.ovsdb import Operation, by_uuid
from workers.drivers.network.ovn.rows import TABLES, Link, Row


@dataclass(frozen=True, slots=True)
class Step:
    """One difference in words, and the operations that mend it. They stay in one transaction."""

    text: str
    operations: tuple[Operation, ...]


@dataclass(slots=True)
class Actual:
    """Rows as they were read, and which columns list each row."""

    rows: dict[tuple[str, str], Mapping[str, wire.Value]] = field(default_factory=dict)
    links: dict[str, set[Link]] = field(default_factory=lambda: defaultdict(set))

    def add(self, table: str, columns: Mapping[str, wire.Value]) -> None:
        """Take a row as it was read, with the rows that it lists."""
        uuid = str(columns["_uuid"])
        self.rows[table, uuid] = columns
        for column in TABLES[table].lists:
            for child in wire.normal(columns.get(column, frozenset())):
                self.links[str(child)].add(Link(table, uuid, column))

    def link(self, table: str, columns: Mapping[str, wire.Value], column: str, child: str) -> None:
        """Take a row that lists `child`."""
        self.links[child].add(Link(table, str(columns["_uuid"]), column))


def listing(table: str) -> list[tuple[str, str]]:
    """The columns that may list rows of a table: (table, column)."""
    return [
        (parent.name, column) for parent in TABLES.values() for column, child in parent.lists.items() if child == table
    ]


def lists(column: str, uuid: str) -> list[Any]:
    """The condition that chooses the rows that list another in a column."""
    return [[column, "includes", ["uuid", uuid]]]


def some(rows: Iterable[Row], actual: Actual) -> list[Step]:
    """The steps that bring these rows about; the rest of the database is not looked at."""
    order = {name: number for number, name in enumerate(TABLES)}
    return [step for row in sorted(rows, key=lambda row: order[row.table]) if (step := _step(row, actual)) is not None]


def whole(rows: Sequence[Row], actual: Actual, may_stay: frozenset[str]) -> list[Step]:
    """The steps after which the database holds these rows and no others, but for those with UUIDs that `may_stay`."""
    wanted = {(row.table, row.uuid) for row in rows}
    steps = some(rows, actual)
    for table, uuid in actual.rows:
        if (table, uuid) not in wanted and uuid not in may_stay:
            steps.append(Step(f"{table} {uuid}: no row of the cloud's", tuple(removal(table, uuid))))
    return steps


def removal(table: str, uuid: str) -> list[Operation]:
    """The operations that remove a row. One that others list goes when none does any more."""
    if TABLES[table].root:
        return [{"op": "delete", "table": table, "where": by_uuid(uuid)}]
    return [_mutation(parent, lists(column, uuid), column, "delete", uuid) for parent, column in listing(table)]


def removal_of_marked(table: str, mark: Mapping[str, str], *, but: Iterable[str] = ()) -> Operation:
    """The operation that removes all rows with a mark in `external_ids`, but for some."""
    others = [["_uuid", "!=", ["uuid", uuid]] for uuid in but]
    return {"op": "delete", "table": table, "where": [["external_ids", "includes", wire.encode(mark)], *others]}


def _step(row: Row, actual: Actual) -> Step | None:
    present = actual.rows.get((row.table, row.uuid))
    listed = actual.links.get(row.uuid, set())
    operations: list[Operation] = []
    words: list[str] = []
    if present is None:
        operations.append(_insertion(row))
        words.append("missing")
    elif wrong := [name for name, value in row.columns.items() if wire.normal(present[name]) != wire.normal(value)]:
        changed = {name: wire.encode(row.columns[name]) for name in wrong}
        operations.append({"op": "update", "table": row.table, "where": by_uuid(row.uuid), "row": changed})
        words.append(f"other {', '.join(sorted(wrong))}")
    for link in sorted(row.links - listed, key=_order):
        operations += _joining(link, row.uuid)
        if present is not None:
            words.append(f"not in {link.column} of {link.table} {link.uuid}")
    for link in sorted(listed - row.links, key=_order):
        operations.append(_mutation(link.table, by_uuid(link.uuid), link.column, "delete", row.uuid))
        words.append(f"in {link.column} of {link.table} {link.uuid}")
    return Step(f"{row.table} {row.uuid}: {'; '.join(words)}", tuple(operations)) if operations else None


def _order(link: Link) -> tuple[str, str, str]:
    return link.table, link.uuid, link.column


def _insertion(row: Row) -> Operation:
    encoded = {name: wire.encode(value) for name, value in row.columns.items()}
    return {"op": "insert", "table": row.table, "uuid": row.uuid, "row": encoded}


def _joining(link: Link, child: str) -> list[Operation]:
    """List a row. The row that lists it must be there: else nothing is written, and it is read again."""
    there: Operation = {
        "op": "wait",
        "table": link.table,
        "where": by_uuid(link.uuid),
        "columns": ["_uuid"],
        "until": "==",
        "rows": [{"_uuid": ["uuid", link.uuid]}],
        "timeout": 0,
    }
    return [there, _mutation(link.table, by_uuid(link.uuid), link.column, "insert", child)]


def _mutation(table: str, where: list[Any], column: str, how: str, child: str) -> Operation:
    mutations = [[column, how, ["set", [["uuid", child]]]]]
    return {"op": "mutate", "table": table, "where": where, "mutations": mutations}
