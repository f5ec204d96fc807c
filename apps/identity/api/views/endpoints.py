"""``/v3/endpoints``."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import endpoints as documents
from apps.identity.api.serializers import endpoints as serializers
from apps.identity.api.views.base import Collection, Item, Noun
from apps.identity.models import Endpoint
from apps.identity.selectors import endpoints as selectors
from apps.identity.services import endpoints


class _Endpoints(Noun):
    noun, plural = "endpoint", "endpoints"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class EndpointsView(_Endpoints, Collection):
    request_serializers = {"post": serializers.EndpointSerializer}

    def rows(self) -> QuerySet[Endpoint]:
        return selectors.listed(self.request.query_params.dict())

    def make(self, values: dict[str, Any]) -> Endpoint:
        return endpoints.create(values=values)


class EndpointView(_Endpoints, Item):
    request_serializers = {"patch": serializers.EndpointUpdateSerializer}

    def load(self, key: str) -> Endpoint:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Endpoint:
        return endpoints.update(endpoint_id=key, changes=changes)

    def remove(self, key: str) -> None:
        endpoints.delete(endpoint_id=key)
