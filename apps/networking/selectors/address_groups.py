"""Reading address groups."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import AddressGroup
from apps.networking.selectors import sharing


def visible(*, context: RequestContext) -> QuerySet[AddressGroup]:
    """Address groups the caller may see: its project's, and shared ones; all for administrators."""
    return sharing.visible(AddressGroup.objects.all(), context)


def get(*, context: RequestContext, address_group_id: uuid.UUID) -> AddressGroup:
    """Return an address group the caller may see. Raises AddressGroupNotFound (404)."""
    row = visible(context=context).filter(id=address_group_id).first()
    if row is None:
        raise exceptions.AddressGroupNotFound(id=address_group_id)
    return row
