"""os-simple-tenant-usage in Nova's shape: hours are not rounded, times have microseconds, uptime is whole seconds."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.compute.conftest import ComputeCaller

SECONDS = 4000.5


def test_numbers_and_times_as_nova_writes_them(alice: ComputeCaller, make_server: Any) -> None:
    launched = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    deleted = datetime(2026, 1, 2, 4, 10, 45, 500000, tzinfo=UTC)
    server = make_server(alice, launched_at=launched, deleted_at=deleted, vm_state="deleted")
    period = {"start": "2026-01-01T00:00:00", "end": "2026-01-03 00:00:00.000001"}
    usage = alice.get(f"/os-simple-tenant-usage/{alice.project_id}", **period).json()["tenant_usage"]
    hours = SECONDS / 3600
    assert usage == {
        "tenant_id": alice.project_id,
        "start": "2026-01-01T00:00:00.000000",
        "stop": "2026-01-03T00:00:00.000001",
        "total_hours": hours,
        "total_vcpus_usage": 2 * hours,
        "total_memory_mb_usage": 256 * hours,
        "total_local_gb_usage": 3 * hours,
        "server_usages": [
            {
                "instance_id": str(server.id),
                "name": "s",
                "tenant_id": alice.project_id,
                "flavor": "f7",
                "vcpus": 2,
                "memory_mb": 256,
                "local_gb": 3,
                "state": "terminated",
                "started_at": "2026-01-02T03:04:05.000000",
                "ended_at": "2026-01-02T04:10:45.500000",
                "hours": hours,
                "uptime": 4000,
            }
        ],
    }


def test_a_period_ends_now_at_the_latest(alice: ComputeCaller) -> None:
    path = f"/os-simple-tenant-usage/{alice.project_id}"
    usage = alice.get(path, start="2026-01-01T00:00:00", end="2999-01-01T00:00:00").json()["tenant_usage"]
    stop = datetime.fromisoformat(usage["stop"]).replace(tzinfo=UTC)
    assert abs((stop - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("end", ["2026-01-01T00:00:00", "2025-12-31T00:00:00"])
def test_a_period_has_a_length(alice: ComputeCaller, end: str) -> None:
    path = f"/os-simple-tenant-usage/{alice.project_id}"
    assert alice.get(path, start="2026-01-01T00:00:00", end=end).status_code == 400
