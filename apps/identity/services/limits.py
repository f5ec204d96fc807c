"""Writing limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, NotFound
from apps.identity.models import Limit, RegisteredLimit
from apps.identity.selectors import domains, limits, projects, regions, services
from apps.identity.services import row_writes


def _set_service_and_region(row: RegisteredLimit, values: Mapping[str, Any]) -> None:
    """Set service and region. Raises Invalid (400) for missing ones."""
    if "service_id" in values:
        if services.find(values["service_id"]) is None:
            raise Invalid(field="service_id", reason=f"there is no service {values['service_id'][:64]}")
        row.service_id = values["service_id"]
    if "region_id" in values:
        row.region = regions.find(values["region_id"] or "")
        if values["region_id"] and row.region is None:
            raise Invalid(field="region_id", reason=f"there is no region {values['region_id'][:255]}")


@transaction.atomic
def register(*, values: Sequence[Mapping[str, Any]]) -> list[RegisteredLimit]:
    """Make all of them or none."""
    rows = []
    for limit in values:
        row = RegisteredLimit()
        _set_service_and_region(row, limit)
        row_writes.merge(row, limit, ("resource_name", "default_limit", "description"))
        with row_writes.unique("registered_limit", f"resource {row.resource_name}"):
            row.save(force_insert=True)
        audit.record("create", "registered_limit", row.pk, details={"resource": row.resource_name})
        rows.append(row)
    return rows


@transaction.atomic
def update_registered(*, limit_id: str, changes: Mapping[str, Any]) -> RegisteredLimit:
    row = locks.row(RegisteredLimit.objects.all(), limit_id)
    if row is None:
        raise NotFound(noun="registered limit", id=limit_id[:64])
    moved = any(name in changes for name in ("service_id", "region_id", "resource_name"))
    if moved and row.limits.exists():
        raise Forbidden("Unable to update a registered limit that limits refer to.")
    _set_service_and_region(row, changes)
    row_writes.merge(row, changes, ("resource_name", "default_limit", "description"))
    with row_writes.unique("registered_limit", f"resource {row.resource_name}"):
        row.save()
    audit.record("update", "registered_limit", row.pk, details={"changed": sorted(changes)})
    return row


@transaction.atomic
def unregister(*, limit_id: str) -> None:
    row = limits.get_registered(limit_id)
    if row.limits.exists():
        raise Forbidden("Unable to delete a registered limit that limits refer to.")
    row.delete()
    audit.record("delete", "registered_limit", limit_id)


@transaction.atomic
def create(*, values: Sequence[Mapping[str, Any]]) -> list[Limit]:
    """Make all of them or none. Each needs a registered limit of the same service, region and resource."""
    rows = []
    for document in values:
        where = {"service_id": document["service_id"], "region_id": document.get("region_id")}
        registered = RegisteredLimit.objects.filter(**where, resource_name=document["resource_name"]).first()
        if registered is None:
            raise Forbidden(f"There is no registered limit for {document['resource_name'][:64]}.")
        row = Limit(registered_limit=registered, resource_limit=document["resource_limit"])
        row.description = document.get("description", "")
        if document.get("project_id"):
            row.project = projects.get(document["project_id"])
        else:
            row.domain = domains.get(document["domain_id"])
        with row_writes.unique("limit", f"resource {registered.resource_name}"):
            row.save(force_insert=True)
        audit.record("create", "limit", row.pk, details={"resource": registered.resource_name})
        rows.append(row)
    return rows


@transaction.atomic
def update(*, limit_id: str, changes: Mapping[str, Any]) -> Limit:
    row = locks.row(Limit.objects.select_related("registered_limit"), limit_id)
    if row is None:
        raise NotFound(noun="limit", id=limit_id[:64])
    row_writes.merge(row, changes, ("resource_limit", "description"))
    row.save()
    audit.record("update", "limit", row.pk, details={"changed": sorted(changes)})
    return row


@transaction.atomic
def delete(*, limit_id: str) -> None:
    limits.get(limit_id).delete()
    audit.record("delete", "limit", limit_id)
