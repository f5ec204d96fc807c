"""/os-availability-zone."""

from typing import Any

from apps.compute.api.documents import availability_zones as documents
from apps.compute.api.views.base import WholeCollection
from apps.compute.selectors import availability_zones, services

RULE = "os_compute_api:os-availability-zone:{}"


class AvailabilityZonesView(WholeCollection):
    """Availability zones, and whether they take servers."""

    plural, rule = "availabilityZoneInfo", RULE.format("list")
    detailed = False

    def rows(self) -> list[Any]:
        return availability_zones.everything()

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, detailed=self.detailed)


class AvailabilityZonesDetailView(AvailabilityZonesView):
    """Availability zones with their hosts, and the zone of the services that run no servers."""

    rule = RULE.format("detail")
    detailed = True

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        internal = services.listed_schedulers()
        return [*([documents.render_internal(internal)] if internal else []), *super().documents(rows)]
