"""``/v3/endpoints``."""

from typing import Any

from apps.identity.api.documents import endpoints as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import endpoints as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import endpoints as selectors
from apps.identity.services import endpoints


class EndpointsView(IdentityView):
    request_serializers = {"post": serializers.EndpointSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_endpoints")
        rows = selectors.listed(request.query_params.dict())
        return Response(many(request, "endpoints", rows, lambda row: one(request, "endpoints", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_endpoint")
        endpoint = endpoints.create(values=self.parse(request, "endpoint"))
        return Response({"endpoint": one(request, "endpoints", documents.render(endpoint))}, status=201)


class EndpointView(IdentityView):
    request_serializers = {"patch": serializers.EndpointUpdateSerializer}

    def get(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("get_endpoint")
        return Response({"endpoint": one(request, "endpoints", documents.render(selectors.get(endpoint_id)))})

    def patch(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("update_endpoint")
        endpoint = endpoints.update(endpoint_id=endpoint_id, changes=self.parse(request, "endpoint"))
        return Response({"endpoint": one(request, "endpoints", documents.render(endpoint))})

    def delete(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("delete_endpoint")
        endpoints.delete(endpoint_id=endpoint_id)
        return Response(status=204)
