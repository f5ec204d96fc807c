"""Statements of the hot paths: PostgreSQL plans each once per session, not at every run.

Planning takes longer than running what every boot and every poll asks. Sessions are set to generic plans
(``plan_cache_mode``), which are made anew when a table's statistics change.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
LONGEST_NAME = 63  # of PostgreSQL's identifiers, in bytes
DIGEST = 12
_PARAMETER = re.compile(r"%\((\w+)\)s")


class _Planned:
    """A statement with ``$1 …`` that each session plans when it first runs it.

    Its name in the session ends with a digest of its text: two of one ``name`` never run each other's SQL.
    """

    def __init__(self, name: str, body: str, types: str, arguments: str) -> None:
        digest = hashlib.sha256(f"{types} {body}".encode()).hexdigest()[:DIGEST]
        self._name = f"{name[: LONGEST_NAME - DIGEST - 1]}_{digest}"
        self._prepare = f"PREPARE {self._name} {types} AS {body}"
        self._execute = f"EXECUTE {self._name} {arguments}"

    def text(self) -> str:
        """Return what to execute on this thread's connection."""
        session = connections[DEFAULT_DB_ALIAS]
        session.ensure_connection()
        raw: Any = session.connection
        owner, known = getattr(session, "_prepared_statements", (None, set[str]()))
        if owner is not raw:
            known = set[str]()
            session._prepared_statements = (raw, known)  # type: ignore[attr-defined]
        if self._name not in known:
            # A session that ends just now is Django's OperationalError, which callers know, not psycopg2's own.
            with session.wrap_database_errors, raw.cursor() as cursor:
                cursor.execute(self._prepare)
            known.add(self._name)
        return self._execute


def _arguments(names: Iterable[str]) -> str:
    listed = ", ".join(f"%({name})s" for name in names)
    return f"({listed})" if listed else ""


class Statement(_Planned):
    """SQL with ``%(name)s`` parameters of the given types, in the order of ``types``.

    Name the columns it returns: with ``*`` a session that was open during a migration refuses its plan.
    """

    def __init__(self, name: str, sql: str, types: Mapping[str, str]) -> None:
        order = list(types)
        body = _PARAMETER.sub(lambda found: f"${order.index(found.group(1)) + 1}", sql).replace("%%", "%")
        listed = f"({', '.join(types.values())})" if types else ""
        super().__init__(name, body, listed, _arguments(order))

    def fetch(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return the rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(), values)
            return list(cursor.fetchall())

    def run(self, values: Mapping[str, Any]) -> int:
        """Run one that returns no rows; return how many it changed."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(), values)
            return int(cursor.rowcount)


class Reader(Generic[M]):
    """Makes a model's rows of what a statement returned: select ``columns``, all of them in this order."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    @cached_property
    def columns(self) -> str:
        return ", ".join(field.column for field in self._model._meta.concrete_fields)

    def read(self, row: Sequence[Any]) -> M:
        """Return the model's row; it is as if the ORM had read it."""
        names, converters = self._compiled
        session = connections[DEFAULT_DB_ALIAS]
        values = list(row)
        for position, converter, expression in converters:
            values[position] = converter(values[position], expression, session)
        return self._model.from_db(DEFAULT_DB_ALIAS, names, values)

    @cached_property
    def _compiled(self) -> tuple[list[str], list[Any]]:
        fields = self._model._meta.concrete_fields
        converters = [
            (position, converter, field.get_col(self._model._meta.db_table))
            for position, field in enumerate(fields)
            for converter in field.get_db_converters(connection)
        ]
        return [field.attname for field in fields], converters


class Rows(Generic[M]):
    """The rows of a queryset that is compiled once per process and planned once per session.

    ``build`` takes the parameters and returns the queryset: plain, without annotations, prefetches or joined rows.
    ``samples`` has a value for each parameter, of its type, that occurs nowhere else in the queryset; what changes the
    shape of the statement (None, a Boolean) can be no parameter. Building and compiling a small queryset takes longer
    than running it.
    """

    def __init__(self, name: str, build: Callable[..., QuerySet[M]], samples: Mapping[str, Any]) -> None:
        self._name, self._build, self._samples = name, build, samples

    def fetch(self, **values: Any) -> list[M]:
        """Run it and return the rows. 1 query."""
        statement, reader = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(statement.text(), values)
            return [reader.read(row) for row in cursor.fetchall()]

    def first(self, **values: Any) -> M | None:
        """Run it and return the first row. 1 query."""
        found = self.fetch(**values)
        return found[0] if found else None

    @cached_property
    def _compiled(self) -> tuple[_Planned, Reader[M]]:
        queryset = self._build(**self._samples)
        sql, parameters = queryset.query.sql_with_params()
        used = [name for name, value in self._samples.items() if value in parameters]
        places = {self._samples[name]: f"${number}" for number, name in enumerate(used, 1)}
        statement = _Planned(
            self._name,
            sql % tuple(places.get(value) or _literal(value) for value in parameters),
            "",
            _arguments(used),
        )
        return statement, Reader(queryset.model)


class Inserts(Generic[M]):
    """Writing a model's new rows: the statement for one is compiled once per process and planned once per session.

    ``add`` is Django's ``bulk_create``: no signals, and a key that the database gives is set on the row. Composing the
    INSERT of one wide row takes longer than running it.
    """

    BATCH = 100

    def __init__(self, name: str, model: type[M]) -> None:
        self._name, self._model = name, model

    def add(self, rows: Sequence[M]) -> None:
        """Write the rows, in the caller's transaction where there is one. 1 query for one row, or for a hundred."""
        if len(rows) != 1:
            self._model._default_manager.bulk_create(rows, batch_size=self.BATCH)
            return
        statement, fields, key = self._compiled
        session, row = connections[DEFAULT_DB_ALIAS], rows[0]
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), session.cursor() as cursor:
            values = [field.get_db_prep_save(field.pre_save(row, True), session) for field in fields]
            cursor.execute(statement.text(), values)
            if key is not None:
                setattr(row, key, cursor.fetchone()[0])
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    @cached_property
    def _compiled(self) -> tuple[_Planned, list[Any], str | None]:
        meta = self._model._meta
        given = meta.auto_field
        fields = [field for field in meta.concrete_fields if field is not given]
        assert not any(field.generated or field.has_db_default() for field in fields), "the database makes a value"
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
        body = f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({values})'  # noqa: S608 - the model's own names
        if given is not None:
            body += f' RETURNING "{given.column}"'
        arguments = ", ".join(["%s"] * len(fields))
        return _Planned(self._name, body, "", f"({arguments})"), fields, given.attname if given else None


def _literal(value: Any) -> str:
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.cursor() as cursor:
        return str(cursor.mogrify("%s", [value]).decode())
