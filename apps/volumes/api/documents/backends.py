"""Hosts' back ends as documents: services, hosts, pools, capabilities."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.volumes.selectors import capabilities
from apps.volumes.selectors.backends import (
    BACKUP_BINARY,
    BINARY,
    SCHEDULER_BINARY,
    Backend,
    BackupService,
    Usage,
)

if TYPE_CHECKING:
    from apps.scheduling.models import Scheduler

SERVICE_FIELDS = {"cluster": since("3.7"), "backend_state": since("3.49")}
NAMED = ("volume_backend_name", "vendor_name", "driver_version", "storage_protocol")


def render_service(backend: Backend, version: Version) -> dict[str, Any]:
    return _service(
        BINARY,
        backend.name,
        backend.zone,
        version,
        up=backend.up,
        heartbeat_at=backend.heartbeat_at,
        enabled=backend.enabled,
        reason=backend.reason,
        replication_status="disabled",
        active_backend_id=None,
        frozen=False,
        backend_state="up" if backend.up else "down",
    )


def render_scheduler(machine: "Scheduler", version: Version) -> dict[str, Any]:
    return _service(
        SCHEDULER_BINARY,
        machine.host,
        settings.DEFAULT_ZONE,
        version,
        up=machine.is_up,
        heartbeat_at=machine.heartbeat_at,
    )


def render_backup_service(service: BackupService, version: Version) -> dict[str, Any]:
    return _service(
        BACKUP_BINARY,
        service.host,
        service.zone,
        version,
        up=service.up,
        heartbeat_at=service.heartbeat_at,
        enabled=service.enabled,
        reason=service.reason,
    )


def _service(
    binary: str,
    host: str,
    zone: str,
    version: Version,
    *,
    up: bool,
    heartbeat_at: datetime,
    enabled: bool = True,
    reason: str = "",
    **more: Any,
) -> dict[str, Any]:
    document = {
        "binary": binary,
        "host": host,
        "zone": zone,
        "status": "enabled" if enabled else "disabled",
        "state": "up" if up else "down",
        "updated_at": microseconds(heartbeat_at),
        "disabled_reason": reason or None,
        "cluster": None,
        **more,
    }
    return microversions.without(document, microversions.hidden(SERVICE_FIELDS, version))


def render_host(service: dict[str, Any]) -> dict[str, Any]:
    """Return a service as os-hosts shows it."""
    return {
        "host_name": service["host"],
        "service": service["binary"],
        "zone": service["zone"],
        "service-status": "available" if service["state"] == "up" else "unavailable",
        "service-state": service["status"],
        "last-update": service["updated_at"],
    }


def render_usage(host: str, usage: Usage) -> dict[str, Any]:
    resource = {
        "host": host,
        "project": usage.project_id,
        "volume_count": str(usage.volumes),
        "total_volume_gb": str(usage.gigabytes),
        "snapshot_count": str(usage.snapshots),
        "total_snapshot_gb": str(usage.snapshot_gigabytes),
    }
    return {"resource": resource}


def render_pool(backend: Backend, *, detailed: bool) -> dict[str, Any]:
    if not detailed:
        return {"name": backend.pool}
    shown = {
        **{name: _shown(value) for name, value in capabilities.of_backend(backend.backend).items()},
        **backend.amounts,
        "reserved_percentage": -(-100 * backend.reserved // (backend.total + backend.reserved or 1)),
        "max_over_subscription_ratio": str(settings.VOLUME_OVERCOMMIT),
        "location_info": backend.name,
        "backend_state": "up" if backend.up else "down",
        "timestamp": microseconds(backend.heartbeat_at),
    }
    return {"name": backend.pool, "capabilities": shown}


def _shown(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def render_capabilities(backend: Backend) -> dict[str, Any]:
    """Return what a back end can do (GET /capabilities/{host})."""
    offered = capabilities.of_backend(backend.backend)
    properties = {
        "thin_provisioning": ("Thin Provisioning", "Sets thin provisioning.", "boolean"),
        "multiattach": (
            "Multi-attach",
            "Volumes of types that allow it are raw and may have several servers.",
            "boolean",
        ),
    }
    return {
        **{name: offered[name] for name in NAMED},
        "namespace": f"OS::Storage::Capabilities::{backend.host}",
        "pool_name": backend.backend,
        "display_name": backend.backend,
        "description": f"The back end {backend.backend} of the host {backend.host}",
        "visibility": "public",
        "replication_targets": [],
        "properties": {
            key: {"title": title, "description": description, "type": kind}
            for key, (title, description, kind) in properties.items()
        },
    }
