"""The microversions that compute speaks."""

from collections.abc import Mapping
from typing import Any

from apps.common.microversions import Version

SERVICE = "compute"
LEGACY_HEADER = "X-OpenStack-Nova-API-Version"
LEGACY_KEY = "HTTP_X_OPENSTACK_NOVA_API_VERSION"
LOWEST = Version(2, 1)
HIGHEST = Version(2, 104)


def of(context: Mapping[str, Any]) -> Version:
    """Return the microversion that a serializer parses for; the newest without a request (OpenAPI, forms)."""
    version: Version = getattr(context.get("request"), "version", None) or HIGHEST
    return version
