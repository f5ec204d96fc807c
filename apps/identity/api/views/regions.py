"""``/v3/regions``."""

from typing import Any

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import regions as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import regions as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import regions as selectors
from apps.identity.services import regions


class RegionsView(IdentityView):
    request_serializers = {"post": serializers.RegionSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_regions")
        rows = selectors.listed(request.query_params.dict())
        return Response(many(request, "regions", rows, lambda row: one(request, "regions", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_region")
        region = regions.create(values=self.parse(request, "region"))
        return Response({"region": one(request, "regions", documents.render(region))}, status=201)


class RegionView(IdentityView):
    request_serializers = {"patch": serializers.RegionSerializer, "put": serializers.RegionSerializer}

    def get(self, request: Any, region_id: str) -> Response:
        self.authorize("get_region")
        return Response({"region": one(request, "regions", documents.render(selectors.get(region_id)))})

    def patch(self, request: Any, region_id: str) -> Response:
        self.authorize("update_region")
        region = regions.update(region_id=region_id, changes=self.parse(request, "region"))
        return Response({"region": one(request, "regions", documents.render(region))})

    def delete(self, request: Any, region_id: str) -> Response:
        self.authorize("delete_region")
        regions.delete(region_id=region_id)
        return Response(status=204)

    def put(self, request: Any, region_id: str) -> Response:
        """Create a region under a name of the caller's choice, as old clients do."""
        self.authorize("create_region")
        values = self.parse(request, "region", serializers.RegionSerializer)
        if values.setdefault("id", region_id) != region_id:
            raise BadRequest("Conflicting region IDs specified: in the path and in the body.")
        return Response(
            {"region": one(request, "regions", documents.render(regions.create(values=values)))}, status=201
        )
