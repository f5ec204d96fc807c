"""The microversions that compute speaks."""

from apps.common.microversions import Version

SERVICE = "compute"
LEGACY_HEADER = "X-OpenStack-Nova-API-Version"
LEGACY_KEY = "HTTP_X_OPENSTACK_NOVA_API_VERSION"
LOWEST = Version(2, 1)
HIGHEST = Version(2, 96)
