"""``/v3/services``."""

from typing import Any

from apps.identity.api.documents import services as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import services as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import services as selectors
from apps.identity.services import services


class ServicesView(IdentityView):
    request_serializers = {"post": serializers.ServiceSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_services")
        rows = selectors.listed(request.query_params.dict())
        return Response(many(request, "services", rows, lambda row: one(request, "services", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_service")
        service = services.create(values=self.parse(request, "service"))
        return Response({"service": one(request, "services", documents.render(service))}, status=201)


class ServiceView(IdentityView):
    request_serializers = {"patch": serializers.ServiceUpdateSerializer}

    def get(self, request: Any, service_id: str) -> Response:
        self.authorize("get_service")
        return Response({"service": one(request, "services", documents.render(selectors.get(service_id)))})

    def patch(self, request: Any, service_id: str) -> Response:
        self.authorize("update_service")
        service = services.update(service_id=service_id, changes=self.parse(request, "service"))
        return Response({"service": one(request, "services", documents.render(service))})

    def delete(self, request: Any, service_id: str) -> Response:
        self.authorize("delete_service")
        services.delete(service_id=service_id)
        return Response(status=204)
