"""Writing regions."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, NotFound
from apps.identity.models import Region
from apps.identity.selectors import regions
from apps.identity.services import row_writes
from apps.identity.states import new_id


def _refuse_nameless(region_id: str) -> None:
    """Raise Invalid for ids that no path could name: those with a slash, and those that clients resolve away."""
    if "/" in region_id or region_id in (".", ".."):
        raise Invalid(field="id", reason="a region's id is part of URLs: it cannot contain a slash, or be . or ..")


@transaction.atomic
def ensure(*, region_id: str) -> Region:
    """Return the region of this id; it is made where there is none."""
    return regions.find(region_id) or create(values={"id": region_id})


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Region:
    parent_id = values.get("parent_region_id")
    _refuse_nameless(values.get("id") or "")
    region = Region(id=values.get("id") or new_id(), parent=regions.get(parent_id) if parent_id else None)
    row_writes.merge(region, values, ("description", "extra"))
    with row_writes.unique("region", f"ID {region.pk}"):
        region.save(force_insert=True)
    audit.record("create", "region", region.pk)
    return region


@transaction.atomic
def update(*, region_id: str, changes: Mapping[str, Any]) -> Region:
    region = locks.row(Region.objects.all(), region_id)
    if region is None:
        raise NotFound(noun="region", id=region_id[:255])
    if "parent_region_id" in changes:
        parent_id = changes["parent_region_id"]
        if parent_id in regions.below(region):
            raise Invalid(field="parent_region_id", reason="a region cannot be under itself")
        region.parent = regions.get(parent_id) if parent_id else None
    row_writes.merge(region, changes, ("description", "extra"))
    region.save()
    audit.record("update", "region", region.pk, details={"changed": sorted(changes)})
    return region


@transaction.atomic
def delete(*, region_id: str) -> None:
    """Delete a region and the regions under it; refused (403) while an endpoint is in one of them."""
    region = regions.get(region_id)
    doomed = regions.below(region)
    locks.regions_to_delete(doomed)
    if regions.has_endpoints(doomed):
        raise Forbidden(
            f"Unable to delete region {region.pk} because it or its child regions have associated endpoints."
        )
    region.delete()
    audit.record("delete", "region", region_id)
