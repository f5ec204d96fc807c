"""A small cloud's rows: made by the services that make them for the first test, put back by COPY for every further one.

Bootstrapping takes 120 statements, and more than a thousand tests begin with it.
"""

import io
from collections.abc import Callable, Hashable
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from apps.identity import keys
from apps.identity.hashers import Argon2idHasher
from apps.identity.services import bootstrap as identity
from apps.identity.services import throttling

_KEPT: dict[Hashable, dict[str, bytes]] = {}  # what fills a database -> table -> its rows, as COPY writes them


def bootstrap(*, password: str, public_url: str = "http://testserver") -> None:
    """Do what identity's bootstrap does in an empty database: keys, domain, roles, people, catalog."""
    keys.setup()
    keys.setup(settings.CREDENTIAL_KEY_DIR)
    throttling.ensure_slots()
    fill(
        ("identity", password, public_url, *settings.PASSWORD_HASHERS, Argon2idHasher.memory_cost),
        lambda: identity.bootstrap(
            admin_password=password, demo_password=password, public_url=public_url, region="RegionOne"
        ),
    )


def fill(key: Hashable, make: Callable[[], Any]) -> None:
    """Call ``make`` the first time; later put back the rows that it wrote. ``key`` says what they depend on.

    Raises AssertionError if ``make`` changes a table that had rows already: these cannot be told from its own.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if key in _KEPT:
            for table, rows in _KEPT[key].items():
                cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.BytesIO(rows))
            return
        tables = connection.introspection.table_names(cursor)
        before = {table: _rows(cursor, table) for table in tables}
        make()
        after = {table: _rows(cursor, table) for table in tables}
        changed = [table for table in tables if after[table] != before[table]]
        assert not [table for table in changed if before[table]], "rows are written beside others"
        _KEPT[key] = {table: after[table] for table in changed}


def _rows(cursor: Any, table: str) -> bytes:
    rows = io.BytesIO()
    cursor.copy_expert(f'COPY "{table}" TO STDOUT', rows)
    return rows.getvalue()
