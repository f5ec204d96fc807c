"""Reading services of the catalog."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Service
from apps.identity.selectors import filters


def find(service_id: str) -> Service | None:
    return Service.objects.filter(pk=service_id).first()


def get(service_id: str) -> Service:
    """Raises NotFound."""
    service = find(service_id)
    if service is None:
        raise NotFound(noun="service", id=service_id[:64])
    return service


def listed(params: Mapping[str, str]) -> QuerySet[Service]:
    return filters.apply(Service.objects.all(), params, texts=("name", "type"), booleans=("enabled",))
