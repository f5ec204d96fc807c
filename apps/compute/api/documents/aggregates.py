"""Aggregates as documents, by microversion."""

from typing import TYPE_CHECKING, Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since

if TYPE_CHECKING:
    from apps.scheduling.models import Aggregate

FIELDS = {"uuid": since("2.41")}


def render_created(aggregate: "Aggregate", version: Version) -> dict[str, Any]:
    """A new aggregate is shown without hosts and metadata."""
    document = {
        "availability_zone": aggregate.availability_zone,
        "created_at": microseconds(aggregate.created_at),
        "deleted": False,
        "deleted_at": None,
        "id": aggregate.id,
        "name": aggregate.name,
        "updated_at": microseconds(aggregate.updated_at),
        "uuid": str(aggregate.uuid),
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render(aggregate: "Aggregate", version: Version) -> dict[str, Any]:
    hosts = [host.name for host in aggregate.hosts.all()]
    return {**render_created(aggregate, version), "hosts": hosts, "metadata": aggregate.metadata}
