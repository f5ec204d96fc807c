"""Writing a model's new row with an INSERT that is compiled once per process and planned once per session.

Replaces: django.db.models.sql.compiler.SQLInsertCompiler.as_sql
Gains: composing the INSERT of one wide row takes longer than running it; a POST of a server writes four.
Remove: call ``bulk_create`` where ``add`` is called.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Model

from apps.common.sql.planned import Planned

M = TypeVar("M", bound=Model)


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
    def _compiled(self) -> tuple[Planned, list[Any], str | None]:
        meta = self._model._meta
        given = meta.auto_field
        fields = [field for field in meta.concrete_fields if field is not given]
        assert not any(field.generated or field.has_db_default() for field in fields), "the database makes a value"
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
        body = f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({values})'
        if given is not None:
            body += f' RETURNING "{given.column}"'
        arguments = ", ".join(["%s"] * len(fields))
        return Planned(self._name, body, "", f"({arguments})"), fields, given.attname if given else None
