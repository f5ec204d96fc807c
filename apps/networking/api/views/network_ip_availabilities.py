"""How many addresses of networks there are, and how many are used: for administrators."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common import policy
from apps.common.api import queries
from apps.networking.api import filters
from apps.networking.api.documents import network_ip_availabilities as documents
from apps.networking.api.listing import STYLE
from apps.networking.api.views.base import Collection, Noun, ReadOnlyItem
from apps.networking.exceptions import NetworkNotFound
from apps.networking.models import Network
from apps.networking.selectors import network_ip_availabilities as selectors

_RULE = "get_network_ip_availability"


class _Availabilities(Noun):
    noun, plural = "network_ip_availability", "network_ip_availabilities"
    collection = "network-ip-availabilities"
    not_found = NetworkNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class NetworkIpAvailabilities(_Availabilities, Collection):
    """List. Who is no administrator sees none, as in Neutron."""

    http_method_names = ["get", "head", "options"]
    filters = filters.NETWORK_IP_AVAILABILITIES

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody may ask; see ``visible``."""

    def visible(self) -> QuerySet[Any]:
        asked = queries.plain(self.request.query_params).get("ip_version", [])
        versions = [STYLE.integer(text, "ip_version") for text in asked]
        rows = selectors.rows(context=self.caller, versions=versions)
        return rows if policy.allowed(self.caller, _RULE) else rows.none()


class NetworkIpAvailabilityItem(_Availabilities, ReadOnlyItem):
    """Show."""

    hidden = True

    def load(self, key: uuid.UUID) -> Network:
        return selectors.get(context=self.caller, network_id=key)
