"""Statements of the hot paths: PostgreSQL plans each once per session, not at every run.

Planning takes longer than running what every boot and every poll asks. Sessions are set to generic plans
(``plan_cache_mode``), which are made anew when a table's statistics change.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
_PARAMETER = re.compile(r"%\((\w+)\)s")


class _Planned:
    """A statement with ``$1 …`` that each session plans when it first runs it."""

    def __init__(self, name: str, body: str, types: str, arguments: str) -> None:
        self._name = name
        self._prepare = f"PREPARE {name} {types} AS {body}"
        self._execute = f"EXECUTE {name} {arguments}"

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
        super().__init__(name, body, f"({', '.join(types.values())})", _arguments(order))

    def fetch(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return the rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(), values)
            return list(cursor.fetchall())


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
        statement, model, names, converters = self._compiled
        session = connections[DEFAULT_DB_ALIAS]
        with session.cursor() as cursor:
            cursor.execute(statement.text(), values)
            rows = cursor.fetchall()
        found = []
        for row in rows:
            columns = list(row)
            for position, converter, expression in converters:
                columns[position] = converter(columns[position], expression, session)
            found.append(model.from_db(DEFAULT_DB_ALIAS, names, columns))
        return found

    def first(self, **values: Any) -> M | None:
        """Run it and return the first row. 1 query."""
        found = self.fetch(**values)
        return found[0] if found else None

    @cached_property
    def _compiled(self) -> tuple[_Planned, type[M], list[str], list[Any]]:
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
        fields = queryset.model._meta.concrete_fields
        converters = [
            (position, converter, field.get_col(queryset.model._meta.db_table))
            for position, field in enumerate(fields)
            for converter in field.get_db_converters(connection)
        ]
        return statement, queryset.model, [field.attname for field in fields], converters


def _literal(value: Any) -> str:
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.cursor() as cursor:
        return str(cursor.mogrify("%s", [value]).decode())
