"""The volume service's resources in the one quota system."""

from django.conf import settings

from apps.quotas import registry
from apps.volumes.selectors import quota_counts


def register() -> None:
    """Register the limits, and how the reserved resources are counted again."""
    registry.register(
        [registry.Resource(name=name, service="volume", setting="VOLUME_QUOTAS") for name in settings.VOLUME_QUOTAS]
    )
    registry.register_recount(service="volume", resources=quota_counts.RESOURCES, recount=quota_counts.recount)
