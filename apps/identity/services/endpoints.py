"""Writing endpoints."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks, url_names
from apps.identity.exceptions import Invalid, NotFound
from apps.identity.models import Endpoint
from apps.identity.selectors import endpoints, services
from apps.identity.selectors import regions as region_selectors
from apps.identity.services import regions, row_writes

_FIELDS = ("interface", "url", "name", "enabled", "extra")


def _set_service_and_region(endpoint: Endpoint, values: Mapping[str, Any]) -> None:
    """Set service and region. ``region_id`` has to be there; ``region``, of v2's days, is made, as in Keystone."""
    if "service_id" in values:
        service_id = values["service_id"]
        if services.find(service_id) is None:
            raise Invalid(field="service_id", reason=f"there is no service {service_id[:64]}")
        endpoint.service_id = service_id
    region_id = values.get("region_id")
    if region_id is not None:
        endpoint.region = region_selectors.find(region_id)
        if endpoint.region is None:
            raise Invalid(field="region_id", reason=f"there is no region {region_id[:255]}")
    elif values.get("region") is not None:
        endpoint.region = regions.ensure(region_id=values["region"])
    elif "region_id" in values:
        endpoint.region = None
    if "url" in values:
        bad = url_names.unknown(values["url"])
        if bad is not None:
            raise Invalid(field="url", reason=f"'{bad[:64]}' is not among the names that are filled in")


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Endpoint:
    endpoint = Endpoint()
    _set_service_and_region(endpoint, values)
    row_writes.merge(endpoint, values, _FIELDS)
    endpoint.save(force_insert=True)
    audit.record("create", "endpoint", endpoint.pk)
    return endpoint


@transaction.atomic
def update(*, endpoint_id: str, changes: Mapping[str, Any]) -> Endpoint:
    endpoint = locks.row(Endpoint.objects.all(), endpoint_id)
    if endpoint is None:
        raise NotFound(noun="endpoint", id=endpoint_id[:64])
    _set_service_and_region(endpoint, changes)
    row_writes.merge(endpoint, changes, _FIELDS)
    endpoint.save()
    audit.record("update", "endpoint", endpoint.pk, details={"changed": sorted(changes)})
    return endpoint


@transaction.atomic
def delete(*, endpoint_id: str) -> None:
    endpoints.get(endpoint_id).delete()
    audit.record("delete", "endpoint", endpoint_id)


@transaction.atomic
def create_many(*, service_id: str, region: str | None, urls: Mapping[str, str]) -> list[Endpoint]:
    """Make one endpoint per interface, as v2.0 knows them: all or none."""
    place = {"service_id": service_id, "region": region}
    return [create(values={**place, "interface": interface, "url": url}) for interface, url in urls.items()]


@transaction.atomic
def delete_group(*, endpoint_id: str) -> None:
    """Delete an endpoint with those of the same service and region."""
    endpoint = endpoints.get(endpoint_id)
    Endpoint.objects.filter(service_id=endpoint.service_id, region_id=endpoint.region_id).delete()
    audit.record("delete", "endpoint", endpoint_id)
