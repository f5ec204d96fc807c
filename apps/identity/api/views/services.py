"""``/v3/services``."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import services as documents
from apps.identity.api.serializers import services as serializers
from apps.identity.api.views.base import Collection, Item, Noun
from apps.identity.models import Service
from apps.identity.selectors import services as selectors
from apps.identity.services import services


class _Services(Noun):
    noun, plural = "service", "services"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class ServicesView(_Services, Collection):
    request_serializers = {"post": serializers.ServiceSerializer}

    def rows(self) -> QuerySet[Service]:
        return selectors.listed(self.request.query_params.dict())

    def make(self, values: dict[str, Any]) -> Service:
        return services.create(values=values)


class ServiceView(_Services, Item):
    request_serializers = {"patch": serializers.ServiceUpdateSerializer}

    def load(self, key: str) -> Service:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Service:
        return services.update(service_id=key, changes=changes)

    def remove(self, key: str) -> None:
        services.delete(service_id=key)
