"""Statements of the hot paths: PostgreSQL plans each once per session, not at every run.

Planning takes longer than running what every boot and every poll asks. Sessions are set to generic plans
(``plan_cache_mode``), which are made anew when a table's statistics change.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db import connection

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Statement:
    """SQL with ``%(name)s`` parameters of the given types, in the order of ``types``.

    Name the columns it returns: with ``*`` a session that was open during a migration refuses its plan.
    """

    def __init__(self, name: str, sql: str, types: Mapping[str, str]) -> None:
        self._name = name
        order = list(types)
        body = _PARAMETER.sub(lambda found: f"${order.index(found.group(1)) + 1}", sql).replace("%%", "%")
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {body}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({one})s' for one in order)})"

    def text(self) -> str:
        """Return what to execute on this thread's connection, with the parameters by name."""
        connection.ensure_connection()
        raw: Any = connection.connection
        owner, known = getattr(connection, "_prepared_statements", (None, set()))
        if owner is not raw:
            known = set()
            connection._prepared_statements = (raw, known)  # type: ignore[attr-defined]
        if self._name not in known:
            with raw.cursor() as cursor:
                cursor.execute(self._prepare)
            known.add(self._name)
        return self._execute

    def fetch(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return the rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(), values)
            return list(cursor.fetchall())
