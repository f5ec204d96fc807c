"""Reading address scopes."""

import uuid
from collections.abc import Iterable

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import AddressScope, Subnet
from apps.networking.selectors import sharing


def visible(*, context: RequestContext) -> QuerySet[AddressScope]:
    """Address scopes the caller may see: its project's, and shared ones; all for administrators."""
    return sharing.visible(AddressScope.objects.all(), context)


def get(*, context: RequestContext, address_scope_id: uuid.UUID) -> AddressScope:
    """Return an address scope the caller may see. Raises AddressScopeNotFound (404)."""
    row = visible(context=context).filter(id=address_scope_id).first()
    if row is None:
        raise exceptions.AddressScopeNotFound(id=address_scope_id)
    return row


def of_subnets(*, subnets: Iterable[Subnet]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return subnet -> address scope, of its pool. At most 1 query."""
    rows = list(subnets)
    pooled = [row.id for row in rows if row.subnetpool_id is not None]
    scopes: dict[uuid.UUID, uuid.UUID | None] = dict.fromkeys(row.id for row in rows)
    if pooled:
        scopes |= dict(Subnet.objects.filter(id__in=pooled).values_list("id", "subnetpool__address_scope_id"))
    return scopes
