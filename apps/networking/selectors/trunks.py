"""Reading trunks and their subports."""

import uuid
from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import SubPort, Trunk


def visible(*, context: RequestContext) -> QuerySet[Trunk]:
    """Trunks the caller may see: its project's; all for administrators. 1 more query for the subports of all."""
    sub_ports = Prefetch("sub_ports", SubPort.objects.order_by("segmentation_id"))
    rows = Trunk.objects.select_related("port").prefetch_related(sub_ports)
    return rows if context.is_admin else rows.filter(project_id=context.project_id or "-")


def get(*, context: RequestContext, trunk_id: uuid.UUID) -> Trunk:
    """Return a trunk the caller may see. Raises TrunkNotFound (404)."""
    trunk = visible(context=context).filter(id=trunk_id).first()
    if trunk is None:
        raise exceptions.TrunkNotFound(id=trunk_id)
    return trunk


def carried(*, port_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Return the subports of those ports that are parents of trunks. 1 query."""
    return list(SubPort.objects.filter(trunk__port_id__in=list(port_ids)).values_list("port_id", flat=True))


def of_port(*, port_id: uuid.UUID) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Return the trunk whose parent a port is, and the one whose subport it is. 2 queries."""
    parent_of = Trunk.objects.filter(port_id=port_id).values_list("id", flat=True).first()
    part_of = SubPort.objects.filter(port_id=port_id).values_list("trunk_id", flat=True).first()
    return parent_of, part_of
