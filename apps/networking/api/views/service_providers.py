"""Service providers: what realises routers."""

from typing import Any

from apps.common import policy
from apps.common.api.collections import Collection
from apps.networking.selectors import service_providers as selectors


class ServiceProviders(Collection):
    """All providers."""

    plural, listing = "service_providers", None

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "get_service_provider")

    def rows(self) -> list[dict[str, Any]]:
        return selectors.everything()

    def render(self, row: dict[str, Any]) -> dict[str, Any]:
        return row
