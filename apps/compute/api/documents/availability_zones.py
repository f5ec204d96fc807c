"""Availability zones as documents."""

from typing import Any

from apps.common.api.documents import microseconds
from apps.compute.selectors import services


def render(zone: Any, *, detailed: bool) -> dict[str, Any]:
    return {
        "zoneName": zone.name,
        "zoneState": {"available": zone.available},
        "hosts": render_hosts(zone.hosts) if detailed else None,
    }


def render_hosts(hosts: list[Any]) -> dict[str, Any]:
    return {
        host.name: {
            services.BINARY: {
                "active": host.enabled,
                "available": host.is_up,
                "updated_at": microseconds(host.heartbeat_at),
            }
        }
        for host in hosts
    }


def render_internal(machines: list[Any]) -> dict[str, Any]:
    """Return the zone that Nova lists for services without servers."""
    members = {
        service.host: {
            services.SCHEDULER_BINARY: {
                "active": True, "available": service.is_up, "updated_at": microseconds(service.heartbeat_at),
            }
        }
        for service in machines
    }  # fmt: skip
    return {"zoneName": services.INTERNAL_ZONE, "zoneState": {"available": True}, "hosts": members}
