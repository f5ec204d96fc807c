"""Hosts' back ends as documents: services, hosts, pools, capabilities."""

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
INTERNAL_ZONE = "internal"  # of services that have no volumes


def render_service(backend: Backend, version: Version) -> dict[str, Any]:
    document = {
        "binary": BINARY,
        "host": backend.name,
        "zone": backend.zone,
        "status": "enabled" if backend.enabled else "disabled",
        "state": "up" if backend.up else "down",
        "updated_at": microseconds(backend.heartbeat_at),
        "disabled_reason": backend.reason or None,
        "replication_status": "disabled",
        "active_backend_id": None,
        "frozen": False,
        "cluster": None,
        "backend_state": "up" if backend.up else "down",
    }
    return microversions.without(document, microversions.hidden(SERVICE_FIELDS, version))


def render_scheduler(machine: "Scheduler", version: Version) -> dict[str, Any]:
    document = {
        "binary": SCHEDULER_BINARY,
        "host": machine.host,
        "zone": INTERNAL_ZONE,
        "status": "enabled",
        "state": "up" if machine.is_up else "down",
        "updated_at": microseconds(machine.heartbeat_at),
        "disabled_reason": None,
        "cluster": None,
    }
    return microversions.without(document, microversions.hidden(SERVICE_FIELDS, version))


def render_backup_service(service: BackupService, version: Version) -> dict[str, Any]:
    document = {
        "binary": BACKUP_BINARY,
        "host": service.host,
        "zone": service.zone,
        "status": "enabled" if service.enabled else "disabled",
        "state": "up" if service.up else "down",
        "updated_at": microseconds(service.heartbeat_at),
        "disabled_reason": service.reason or None,
        "cluster": None,
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
