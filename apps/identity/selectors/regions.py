"""Reading regions."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint, Region


def find(region_id: str) -> Region | None:
    return Region.objects.filter(pk=region_id).first()


def get(region_id: str) -> Region:
    """Raises NotFound."""
    region = find(region_id)
    if region is None:
        raise NotFound(noun="region", id=region_id[:255])
    return region


def listed(params: Mapping[str, str]) -> QuerySet[Region]:
    rows = Region.objects.all()
    return rows.filter(parent_id=params["parent_region_id"]) if "parent_region_id" in params else rows


def below(region: Region) -> set[str]:
    """Return the ids of a region and of all regions under it."""
    subtree, level = {region.pk}, [region.pk]
    while level:
        level = [
            pk for pk in Region.objects.filter(parent_id__in=level).values_list("pk", flat=True) if pk not in subtree
        ]
        subtree.update(level)
    return subtree


def has_endpoints(region_ids: set[str]) -> bool:
    return Endpoint.objects.filter(region_id__in=region_ids).exists()
