"""Migrations as documents, by microversion (nova/api/openstack/compute/{migrations,server_migrations}.py)."""

from collections.abc import Mapping
from typing import Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.compute import migration_states as states
from apps.compute.api.documents.base import Links
from apps.compute.models import Migration

TYPED = since("2.23")
FIELDS = {"migration_type": TYPED, "uuid": since("2.59"), "user_id": since("2.80"), "project_id": since("2.80")}


HOSTS = ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")

Addresses = Mapping[str, str] | None
"""Of hosts, by their names; None: hosts are not shown."""


def _common(row: Migration, addresses: Addresses) -> dict[str, Any]:
    return {
        "id": row.id,
        "uuid": str(row.uuid),
        "user_id": row.user_id,
        "project_id": row.project_id,
        "status": row.status,
        "source_compute": row.source,
        "source_node": row.source,
        "dest_compute": row.destination or None,
        "dest_node": row.destination or None,
        "dest_host": addresses.get(row.destination) if addresses is not None else None,
        "created_at": microseconds(row.created_at),
        "updated_at": microseconds(row.updated_at),
        **(dict.fromkeys(HOSTS) if addresses is None else {}),
    }


def render(row: Migration, version: Version, links: Links, addresses: Addresses) -> dict[str, Any]:
    """Return a row of os-migrations."""
    document = {
        **_common(row, addresses),
        "instance_uuid": str(row.server_id),
        "migration_type": row.type,
        "old_instance_type_id": row.old_flavor_number,
        "new_instance_type_id": row.new_flavor_number,
    }
    if version in TYPED and row.type == states.LIVE and row.status in states.LIVE_IN_PROGRESS:
        document["links"] = links.of(f"servers/{row.server_id}/migrations", str(row.id))
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_live(row: Migration, version: Version, addresses: Addresses) -> dict[str, Any]:
    """Return a live migration under way, as its server shows it."""
    document = {
        **_common(row, addresses),
        "server_uuid": str(row.server_id),
        **{
            f"{name}_bytes": getattr(row, name)
            for kind in ("memory", "disk")
            for name in (f"{kind}_total", f"{kind}_processed", f"{kind}_remaining")
        },
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))
