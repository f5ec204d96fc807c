"""``/v3/regions``."""

from typing import Any

from django.db.models import QuerySet

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import regions as documents
from apps.identity.api.serializers import regions as serializers
from apps.identity.api.views.base import Collection, Item, Noun, Response
from apps.identity.models import Region
from apps.identity.selectors import regions as selectors
from apps.identity.services import regions


class _Regions(Noun):
    noun, plural = "region", "regions"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class RegionsView(_Regions, Collection):
    request_serializers = {"post": serializers.RegionSerializer}

    def rows(self) -> QuerySet[Region]:
        return selectors.listed(self.request.query_params.dict())

    def make(self, values: dict[str, Any]) -> Region:
        return regions.create(values=values)


class RegionView(_Regions, Item):
    request_serializers = {"patch": serializers.RegionSerializer, "put": serializers.RegionSerializer}

    def load(self, key: str) -> Region:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Region:
        return regions.update(region_id=key, changes=changes)

    def remove(self, key: str) -> None:
        regions.delete(region_id=key)

    def put(self, request: Any, region_id: str) -> Response:
        """Create a region under a name of the caller's choice, as old clients do."""
        self.authorize("create_region")
        values = self.parse(request, "region", serializers.RegionSerializer)
        if values.setdefault("id", region_id) != region_id:
            raise BadRequest("Conflicting region IDs specified: in the path and in the body.")
        return Response({"region": self.linked(regions.create(values=values))}, status=201)
