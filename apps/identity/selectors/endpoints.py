"""Reading endpoints."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint
from apps.identity.selectors import filters


def find(endpoint_id: str) -> Endpoint | None:
    return Endpoint.objects.filter(pk=endpoint_id).first()


def get(endpoint_id: str) -> Endpoint:
    """Raises NotFound."""
    endpoint = find(endpoint_id)
    if endpoint is None:
        raise NotFound(noun="endpoint", id=endpoint_id[:64])
    return endpoint


def listed(params: Mapping[str, str]) -> QuerySet[Endpoint]:
    texts = ("service_id", "region_id", "interface", "name")
    return filters.apply(Endpoint.objects.all(), params, texts=texts, booleans=("enabled",))
