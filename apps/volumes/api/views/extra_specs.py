"""The extra specs of volume types."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.volumes.api.documents import volume_types as documents
from apps.volumes.api.serializers import volume_types as serializers
from apps.volumes.api.views.base import VolumeView
from apps.volumes.exceptions import ExtraSpecNotFound
from apps.volumes.selectors import volume_types as selectors
from apps.volumes.services import volume_types

RULE = "volume_extension:types_extra_specs:{}"
TEXTS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}}


class ExtraSpecsView(VolumeView):
    """A type's extra specs; POST adds to them."""

    request_serializers = {"post": serializers.ExtraSpecsBody}
    examples = {"POST": {"extra_specs": {"volume_backend_name": "local"}}}

    def get(self, request: Request, type_id: str) -> Response:
        self.check(RULE.format("index"))
        row = selectors.by_id(context=self.caller, key=type_id)
        return Response({"extra_specs": documents.visible_extra_specs(row, admin=self.caller.is_admin)})

    def post(self, request: Request, type_id: str) -> Response:
        self.check(RULE.format("create"))
        row = selectors.by_id(context=self.caller, key=type_id)
        specs = self.parse(request)["extra_specs"]
        return Response({"extra_specs": volume_types.add_extra_specs(volume_type=row, extra_specs=specs)})


class ExtraSpecView(VolumeView):
    """One extra spec of a type."""

    request_schemas = {"put": {"application/json": TEXTS}}

    def get(self, request: Request, type_id: str, key: str) -> Response:
        self.check(RULE.format("show"))
        row = selectors.by_id(context=self.caller, key=type_id)
        value = selectors.extra_spec(volume_type=row, key=key)
        if key not in documents.visible_extra_specs(row, admin=self.caller.is_admin):
            raise ExtraSpecNotFound(type=row.id, key=key[:255])
        return Response({key: value})

    def put(self, request: Request, type_id: str, key: str) -> Response:
        self.check(RULE.format("update"))
        row = selectors.by_id(context=self.caller, key=type_id)
        specs = serializers.ExtraSpecs().run_validation(request.data)
        if key not in specs:
            raise BadRequest("Request body and URI mismatch")
        if len(specs) != 1:
            raise BadRequest("Request body contains too many items")
        selectors.extra_spec(volume_type=row, key=key)
        return Response(volume_types.add_extra_specs(volume_type=row, extra_specs=specs))

    def delete(self, request: Request, type_id: str, key: str) -> Response:
        self.check(RULE.format("delete"))
        row = selectors.by_id(context=self.caller, key=type_id)
        volume_types.delete_extra_spec(volume_type=row, key=key)
        return Response(status=202)
