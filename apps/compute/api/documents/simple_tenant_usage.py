"""Usage as documents: hours, and amounts times hours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.common.api.documents import microseconds
from apps.compute.selectors.simple_tenant_usage import Use


def render(project_id: str, uses: Sequence[Use], *, start: datetime, stop: datetime, detailed: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "tenant_id": project_id,
        "start": microseconds(start),
        "stop": microseconds(stop),
        "total_hours": sum(use.hours for use in uses),
        "total_vcpus_usage": sum(use.hours * use.vcpus for use in uses),
        "total_memory_mb_usage": sum(use.hours * use.ram_mib for use in uses),
        "total_local_gb_usage": sum(use.hours * use.disk_gib for use in uses),
    }
    if detailed:
        document["server_usages"] = [_server(use) for use in uses]
    return document


def _server(use: Use) -> dict[str, Any]:
    return {
        "instance_id": str(use.server_id),
        "name": use.name,
        "tenant_id": use.project_id,
        "flavor": use.flavor,
        "vcpus": use.vcpus,
        "memory_mb": use.ram_mib,
        "local_gb": use.disk_gib,
        "state": use.state,
        "started_at": microseconds(use.started_at),
        "ended_at": microseconds(use.ended_at),
        "hours": use.hours,
        "uptime": use.uptime,
    }
