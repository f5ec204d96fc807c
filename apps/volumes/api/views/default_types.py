"""Projects' default types (3.62)."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.documents import qos_specs as documents
from apps.volumes.api.serializers import volume_types as serializers
from apps.volumes.api.views.base import VolumeView, WholeCollection
from apps.volumes.models import DefaultType
from apps.volumes.selectors import default_types as selectors
from apps.volumes.selectors import volume_types
from apps.volumes.services import default_types

RULE = "volume_extension:default_{}"
SINCE = since("3.62")


class DefaultTypesView(WholeCollection):
    """The default types of all projects that have their own."""

    plural, rule, versions = "default_types", RULE.format("get_all"), SINCE

    def rows(self) -> list[DefaultType]:
        return list(selectors.everything())

    def render(self, row: DefaultType) -> dict[str, Any]:
        return documents.render_default(row)


class DefaultTypeView(VolumeView):
    """A project's default type."""

    versions = SINCE
    request_serializers = {"put": serializers.DefaultType}
    examples = {"PUT": {"default_type": {"volume_type": "fast"}}}

    def get(self, request: Request, project_id: str) -> Response:
        self.check(RULE.format("get"))
        return Response({"default_type": documents.render_default(selectors.get(project_id=project_id))})

    def put(self, request: Request, project_id: str) -> Response:
        self.check(RULE.format("set_or_update"))
        key = self.parse(request, "default_type")["volume_type"]
        row = volume_types.get(context=self.caller, key=key)
        chosen = default_types.put(project_id=project_id, volume_type=row)
        return Response({"default_type": documents.render_default(chosen)})

    def delete(self, request: Request, project_id: str) -> Response:
        self.check(RULE.format("unset"))
        default_types.delete(project_id=project_id)
        return Response(status=204)
