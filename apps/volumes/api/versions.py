"""The microversions that the volume service speaks."""

from collections.abc import Mapping
from typing import Any

from apps.common.microversions import Version

SERVICE = "volume"
LOWEST = Version(3, 0)
HIGHEST = Version(3, 71)


def of(context: Mapping[str, Any]) -> Version:
    """Return the microversion that a serializer parses for; the newest without a request (OpenAPI, forms)."""
    version: Version = getattr(context.get("request"), "version", None) or HIGHEST
    return version
