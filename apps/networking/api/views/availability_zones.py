"""Availability zones of networks and routers."""

from typing import Any

from apps.common import policy
from apps.common.api import queries
from apps.common.api.collections import Collection
from apps.networking.selectors import availability_zones as selectors


class AvailabilityZones(Collection):
    """All zones."""

    plural, listing = "availability_zones", None

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "get_availability_zone")

    def rows(self) -> list[dict[str, str]]:
        asked = queries.plain(self.request.query_params)
        wanted = {name: asked[name] for name in ("name", "resource", "state") if name in asked}
        zones = selectors.everything()
        return [zone for zone in zones if all(zone[name] in values for name, values in wanted.items())]

    def render(self, row: dict[str, str]) -> dict[str, Any]:
        return row
