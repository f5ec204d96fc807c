"""Statements of the hot paths: PostgreSQL plans each once per session, not at every run.

Planning the statements of boots and polls takes longer than running them. Sessions are set to generic plans
(``plan_cache_mode``), which are made again when a table's statistics change. docs/decisions/planned-statements.md.

Replaces: nothing of upstream; psycopg2 has no prepared statements, so this sends PREPARE and EXECUTE itself.
Gains: 1.6 ms of planning per token check, 8 ms per boot.
Remove: let ``Statement.fetch`` and ``run`` execute the text with its parameters; or psycopg 3 with prepare_threshold.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

LONGEST_NAME = 63  # of PostgreSQL's identifiers, in bytes
DIGEST = 12
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Planned:
    """A statement with ``$1 …`` that each session plans when it first runs it.

    Its name in the session ends with a digest of its text: two of one ``name`` never run each other's SQL.
    """

    def __init__(self, name: str, body: str, types: str, values: str) -> None:
        digest = hashlib.sha256(f"{types} {body}".encode()).hexdigest()[:DIGEST]
        self._name = f"{name[: LONGEST_NAME - DIGEST - 1]}_{digest}"
        self._prepare = f"PREPARE {self._name} {types} AS {body}"
        self._execute = f"EXECUTE {self._name} {values}"

    def text(self) -> str:
        """Return the SQL to execute on this thread's connection."""
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


def arguments(names: Iterable[str]) -> str:
    listed = ", ".join(f"%({name})s" for name in names)
    return f"({listed})" if listed else ""


class Statement(Planned):
    """SQL with ``%(name)s`` parameters of the given types, in the order of ``types``.

    Name the columns it returns: with ``*`` a session that was open during a migration refuses its plan.
    """

    def __init__(self, name: str, sql: str, types: Mapping[str, str]) -> None:
        order = list(types)
        body = _PARAMETER.sub(lambda match: f"${order.index(match.group(1)) + 1}", sql).replace("%%", "%")
        listed = f"({', '.join(types.values())})" if types else ""
        super().__init__(name, body, listed, arguments(order))

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
