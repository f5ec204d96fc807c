"""Brings rows of the northbound database to what they should be: reads, compares, writes the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from workers.drivers.network.errors import EngineUnavailable
from workers.drivers.network.ovn import diff
from workers.drivers.network.ovn.ovsdb import Conflict, Operation, Ovsdb, Query, by_uuid
from workers.drivers.network.ovn.rows import TABLES, Row

R = TypeVar("R")
DATABASE = "OVN_Northbound"
_ATTEMPTS = 3
_OPERATIONS_AT_ONCE = 2000
_READING_TIMEOUT_S = 60.0


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

    def reconcile(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Make the whole database hold these rows and no others; return what differed.

        Written in transactions of bounded size, so that the server answers others in between.
        """
        return self._attempt(lambda: self._reconcile(rows))

    def _ensure(self, rows: Sequence[Row], without: Sequence[Operation]) -> None:
        steps = diff.some(rows, self._read(rows))
        operations = [*without, *(operation for step in steps for operation in step.operations)]
        if operations:
            self.database.transact(operations)

    def _reconcile(self, rows: Sequence[Row]) -> tuple[str, ...]:
        steps = diff.whole(rows, self._read_all(), self._may_stay)
        batch: list[diff.Step] = []
        size = 0
        for step in steps:
            batch.append(step)
            size += len(step.operations)
            if size >= _OPERATIONS_AT_ONCE:
                self._write(batch)
                batch, size = [], 0
        self._write(batch)
        return tuple(step.text for step in steps)

    def _write(self, steps: Sequence[diff.Step]) -> None:
        operations = [operation for step in steps for operation in step.operations]
        if operations:
            self.database.transact(operations)

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
        raise EngineUnavailable("The cloud's network engine is busy.", details=str(conflict))
