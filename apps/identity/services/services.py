"""Writing services of the catalog."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import NotFound
from apps.identity.models import Service
from apps.identity.services import row_writes

_FIELDS = ("type", "name", "description", "enabled", "extra")


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Service:
    service = Service()
    row_writes.merge(service, values, _FIELDS)
    service.save(force_insert=True)
    audit.record("create", "service", service.pk)
    return service


@transaction.atomic
def update(*, service_id: str, changes: Mapping[str, Any]) -> Service:
    service = locks.row(Service.objects.all(), service_id)
    if service is None:
        raise NotFound(noun="service", id=service_id[:64])
    row_writes.merge(service, changes, _FIELDS)
    service.save()
    audit.record("update", "service", service.pk, details={"changed": sorted(changes)})
    return service


@transaction.atomic
def delete(*, service_id: str) -> None:
    """Delete a service with its endpoints. Limits that are registered for it stay, as in Keystone."""
    service = locks.row(Service.objects.all(), service_id)
    if service is None:
        raise NotFound(noun="service", id=service_id[:64])
    service.delete()
    audit.record("delete", "service", service_id)
