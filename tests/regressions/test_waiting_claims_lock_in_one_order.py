"""Requests that waited for the last room kept locks on full hosts and waited for each other: PostgreSQL ended one."""

import uuid
from typing import Any

import pytest

from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.scheduling.sql import allocations as sql


def test_they_wait_in_the_order_of_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[Any, list[str]]] = []
    monkeypatch.setattr(
        allocations, "_try_or_unlock", lambda statement, values, host_ids: tried.append((statement, list(host_ids)))
    )
    ids = [str(uuid.uuid4()) for _ in range(50)]
    spec: Any = RequestSpec(vcpus=1, ram_mib=1, disk_gib=1)
    assert allocations.claim(consumer_id=uuid.uuid4(), spec=spec, host_ids=ids) is None
    assert tried == [(sql.CLAIM_NEXT, ids), (sql.CLAIM_WAIT, sorted(ids))]
