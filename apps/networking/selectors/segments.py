"""Reading segments: each network is one segment, which has the network's id."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import Network
from apps.networking.selectors import networks


def visible(*, context: RequestContext) -> QuerySet[Network]:
    """The networks that the caller may see."""
    return networks.visible(context=context).prefetch_related(None)


def get(*, context: RequestContext, segment_id: uuid.UUID) -> Network:
    """Return a network that the caller may see. Raises SegmentNotFound (404)."""
    network = visible(context=context).filter(id=segment_id).first()
    if network is None:
        raise exceptions.SegmentNotFound(id=segment_id)
    return network
