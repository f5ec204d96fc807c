"""Segments as documents: each network is one."""

from typing import Any

from apps.common.api.documents import seconds
from apps.common.context import RequestContext
from apps.networking import states
from apps.networking.models import Network


def render(network: Network, context: RequestContext) -> dict[str, Any]:
    """Return the document of a network's segment, which has the network's id."""
    return {
        "id": str(network.id),
        "network_id": str(network.id),
        "name": None,
        "description": "",
        "network_type": network.network_type or states.NETWORK_TYPES[0],
        "physical_network": network.physical_network or None,
        "segmentation_id": network.segmentation_id,
        "created_at": seconds(network.created_at),
        "updated_at": seconds(network.updated_at),
        "revision_number": network.revision_number,
    }
