"""The cluster of each test, whose leases end with it."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.unit.engine import hosts


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[hosts.Cluster]:
    with hosts.cluster(monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
