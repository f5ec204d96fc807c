"""Reading subnet pools."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import SubnetPool
from apps.networking.selectors import sharing


def visible(*, context: RequestContext) -> QuerySet[SubnetPool]:
    """Subnet pools the caller may see: its project's, and shared ones; all for administrators."""
    return sharing.visible(SubnetPool.objects.all(), context)


def get(*, context: RequestContext, subnetpool_id: uuid.UUID) -> SubnetPool:
    """Return a subnet pool the caller may see. Raises SubnetPoolNotFound (404)."""
    row = visible(context=context).filter(id=subnetpool_id).first()
    if row is None:
        raise exceptions.SubnetPoolNotFound(id=subnetpool_id)
    return row


def default(*, context: RequestContext, version: int) -> SubnetPool | None:
    """Return the default pool of an IP version, if the caller may see one."""
    return visible(context=context).filter(is_default=True, ip_version=version).first()
