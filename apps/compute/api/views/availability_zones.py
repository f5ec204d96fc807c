"""/os-availability-zone."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.compute.api.documents import availability_zones as documents
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import availability_zones, services

RULE = "os_compute_api:os-availability-zone:{}"


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
                "hosts": documents.render_hosts(zone.hosts) if detailed else None,
            }
            for zone in availability_zones.everything()
        ]
        if detailed and (internal := services.listed_schedulers()):
            zones.insert(0, documents.render_internal(internal))
        return Response({"availabilityZoneInfo": zones})


class AvailabilityZonesDetailView(AvailabilityZonesView):
    """Availability zones with their hosts."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("detail"))
        return self.answer(detailed=True)
