"""/os-availability-zone."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.compute.api.documents import base
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import availability_zones, services

RULE = "os_compute_api:os-availability-zone:{}"


def _hosts(hosts: list[Any]) -> dict[str, Any]:
    return {
        host.name: {
            services.BINARY: {
                "active": host.enabled,
                "available": host.is_up,
                "updated_at": base.time(host.heartbeat_at),
            }
        }
        for host in hosts
    }


def _internal(machines: list[Any]) -> dict[str, Any]:
    """Return the zone that Nova lists for services without servers."""
    members = {
        one.host: {
            services.SCHEDULER_BINARY: {
                "active": True, "available": one.is_up, "updated_at": base.time(one.heartbeat_at),
            }
        }
        for one in machines
    }  # fmt: skip
    return {"zoneName": services.INTERNAL_ZONE, "zoneState": {"available": True}, "hosts": members}


class AvailabilityZonesView(ComputeView):
    """Availability zones, and whether they take servers."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("list"))
        return self.answer(detailed=False)

    def answer(self, *, detailed: bool) -> Response:
        zones = [
            {
                "zoneName": zone.name,
                "zoneState": {"available": zone.available},
                "hosts": _hosts(zone.hosts) if detailed else None,
            }
            for zone in availability_zones.everything()
        ]
        if detailed and (internal := services.listed_schedulers()):
            zones.insert(0, _internal(internal))
        return Response({"availabilityZoneInfo": zones})


class AvailabilityZonesDetailView(AvailabilityZonesView):
    """Availability zones with their hosts."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("detail"))
        return self.answer(detailed=True)
