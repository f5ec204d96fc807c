"""Brings rows of the northbound database to what they should be: reads, compares, writes the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from workers.drivers.network.base.engine import OnRefused
from workers.drivers.network.errors import EngineRefused, EngineUnavailable
from workers.drivers.network.ovn import diff, wire
from workers.drivers.network.ovn.ovsdb import Conflict, Operation, Ovsdb, Query, by_uuid
from workers.drivers.network.ovn.rows import TABLES, Row

R = TypeVar("R")
DATABASE = "OVN_Northbound"
WRITER = "celerity_network_writer"
# In NB_Global's external_ids: the rows of the cloud are all here. ovn-northd is started as soon as this is.
SYNCHRONISED = "celerity-synchronised"
_ATTEMPTS = 3
_OPERATIONS_AT_ONCE = 2000
_READING_TIMEOUT_S = 60.0


class Busy(EngineUnavailable):
    """Other writers were first again and again, or a row breaks a constraint of the database's."""


class Northbound:
    """The northbound database as a store of rows."""

    def __init__(self, database: Ovsdb, may_stay: frozenset[str] = frozenset()) -> None:
        """`may_stay`: the UUIDs of rows that a comparison of the whole does not miss, and does not remove."""
        self.database, self._may_stay = database, may_stay

    def ensure(self, rows: Sequence[Row], *, without: Sequence[Operation] = ()) -> None:
        """Have these rows and run the removals `without`, in one transaction. Other rows stay.

        Raises EngineUnavailable, EngineRefused.
        """
        self._attempt(lambda: self._ensure(rows, without))

    def remove(self, operations: Sequence[Operation]) -> None:
        """Run removals (of `diff`), in one transaction."""
        if operations:
            self._attempt(lambda: self.database.transact(operations))

    def differences(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Compare the whole database with the rows that it should hold."""
        return tuple(step.text for step in diff.whole(rows, self._read_all(), self._may_stay))

    def reconcile(self, rows: Sequence[Row], on_refused: OnRefused | None = None) -> tuple[str, ...]:
        """Make the whole database hold these rows and no others; return what differed.

        Written in transactions of bounded size, so that the server answers others in between.
        """
        try:
            return self._attempt(lambda: self._reconcile(rows, self._write))
        except (EngineRefused, Busy):
            if on_refused is None:
                raise
            return self._reconcile(rows, lambda steps: self._write_apart(steps, on_refused))

    def _ensure(self, rows: Sequence[Row], without: Sequence[Operation]) -> None:
        steps = diff.some(rows, self._read(rows))
        operations = [*without, *(operation for step in steps for operation in step.operations)]
        if operations:
            self.database.transact(operations)

    def _reconcile(self, rows: Sequence[Row], write: Callable[[Sequence[diff.Step]], None]) -> tuple[str, ...]:
        steps = diff.whole(rows, self._read_all(), self._may_stay)
        batch: list[diff.Step] = []
        size = 0
        for step in steps:
            batch.append(step)
            size += len(step.operations)
            if size >= _OPERATIONS_AT_ONCE:
                write(batch)
                batch, size = [], 0
        write(batch)
        self._mark()
        return tuple(step.text for step in steps)

    def _mark(self) -> None:
        """Note that the database holds all that it should: one that was lost does not, until it is written again."""
        marked: wire.Value = {SYNCHRONISED: "true"}
        (rows,) = self.database.select([("NB_Global", [], ("external_ids",))])
        if not rows:
            self.database.transact(
                [{"op": "insert", "table": "NB_Global", "row": {"external_ids": wire.encode(marked)}}]
            )
        elif SYNCHRONISED not in wire.normal(rows[0]["external_ids"]):
            mutations = [["external_ids", "insert", wire.encode(marked)]]
            self.database.transact([{"op": "mutate", "table": "NB_Global", "where": [], "mutations": mutations}])

    def _write(self, steps: Sequence[diff.Step]) -> None:
        operations = [operation for step in steps for operation in step.operations]
        if operations:
            self.database.transact(operations)

    def _write_apart(self, steps: Sequence[diff.Step], on_refused: OnRefused) -> None:
        """Write what can be written: of steps that fail together, each half alone."""
        try:
            self._write(steps)
        except (EngineRefused, Conflict) as error:
            if len(steps) == 1:
                on_refused(steps[0].text, f"{error} {getattr(error, 'details', '')}".strip())
                return
            half = len(steps) // 2
            self._write_apart(steps[:half], on_refused)
            self._write_apart(steps[half:], on_refused)

    def _read(self, rows: Sequence[Row]) -> diff.Actual:
        """Read these rows, and which rows list them."""
        queries: list[Query] = [(row.table, by_uuid(row.uuid), TABLES[row.table].columns) for row in rows]
        links = [(row, table, column) for row in rows for table, column in diff.listing(row.table)]
        queries += [(table, diff.lists(column, row.uuid), ()) for row, table, column in links]
        answers = self.database.select(queries)
        actual = diff.Actual()
        for row, matches in zip(rows, answers, strict=False):
            for columns in matches:
                actual.add(row.table, columns)
        for (row, table, column), matches in zip(links, answers[len(rows) :], strict=True):
            for columns in matches:
                actual.link(table, columns, column, row.uuid)
        return actual

    def _read_all(self) -> diff.Actual:
        tables = list(TABLES.values())
        queries: list[Query] = [(table.name, [], (*table.columns, *table.lists)) for table in tables]
        actual = diff.Actual()
        for table, contents in zip(tables, self.database.select(queries, timeout_s=_READING_TIMEOUT_S), strict=True):
            for columns in contents:
                actual.add(table.name, columns)
        return actual

    def _attempt(self, work: Callable[[], R]) -> R:
        """Do it again when another writer was first."""
        for _ in range(_ATTEMPTS):
            try:
                return work()
            except Conflict as error:
                conflict = error
        raise Busy("The cloud's network engine is busy.", details=str(conflict))
