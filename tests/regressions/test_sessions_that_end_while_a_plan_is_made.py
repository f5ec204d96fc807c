"""A database session that ended before a statement was planned is "unavailable" to clients, not an unexpected error."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.utils import InterfaceError
from rest_framework.test import APIRequestFactory

from apps.common.api import errors
from apps.common.sql.planned import Statement
from apps.identity.sql import scopes
from apps.identity.states import Scope

STATEMENT = Statement("regression_never_planned", "SELECT 1 AS one", {})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("plan", [STATEMENT.text, scopes.of_scope(Scope.PROJECT, "").text])
def test_the_error_is_djangos(plan: Callable[[], str]) -> None:
    connection.ensure_connection()
    settings: dict[str, Any] = connection.get_connection_params()
    other = psycopg2.connect(**{name: settings[name] for name in ("dbname", "user", "password", "host", "port")})
    other.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    other.close()
    try:
        with pytest.raises((OperationalError, InterfaceError)):
            plan()
    finally:
        connection.close()


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed"), DatabaseError("no message")])
def test_clients_are_told_to_come_back(error: Exception) -> None:
    request = APIRequestFactory().get("/compute/v2.1/servers")
    request._request = request
    answer = errors.handle(error, {"request": request})
    assert answer is not None and answer.status_code == 503
