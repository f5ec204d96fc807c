"""Compute's resources in the one quota system."""

from django.conf import settings

from apps.compute.selectors import quota_counts
from apps.quotas import registry


def register() -> None:
    """Register compute's limits, and how its reserved resources are counted again."""
    registry.register(
        [registry.Resource(name=name, service="compute", setting="QUOTA_DEFAULTS") for name in settings.QUOTA_DEFAULTS]
    )
    registry.register_recount(service="compute", resources=quota_counts.RESOURCES, recount=quota_counts.recount)
