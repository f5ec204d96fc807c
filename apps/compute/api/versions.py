"""The microversions that compute speaks."""

from apps.common.microversions import Version

SERVICE = "compute"
LEGACY_HEADER = "X-OpenStack-Nova-API-Version"
LOWEST = Version(2, 1)
HIGHEST = Version(2, 96)
