"""Group types and their specs (3.11)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.volumes.api.documents import groups as documents
from apps.volumes.api.listing import STYLE, TYPES
from apps.volumes.api.serializers import groups as serializers
from apps.volumes.api.serializers.volume_types import ExtraSpecs
from apps.volumes.api.views.base import Collection, Item, VolumeView
from apps.volumes.exceptions import GroupSpecNotFound, GroupTypeNotFound
from apps.volumes.models import GroupType
from apps.volumes.selectors import group_types as selectors
from apps.volumes.services import group_types

RULE, SPECS = "group:group_types:{}", "group:group_types_specs:{}"
TEXTS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}}


class _TypeView(VolumeView):
    versions = since("3.11")

    def render(self, row: GroupType) -> dict[str, Any]:
        return documents.render_type(row, specs=self.caller.is_admin)

    def type_of(self, key: str) -> GroupType:
        return selectors.get(context=self.caller, key=key)


class GroupTypesView(_TypeView, Collection):
    """The group types that the caller may use."""

    plural, listing, rule = "group_types", TYPES, "group:get_all"
    request_serializers = {"post": serializers.GroupTypeCreate}
    examples = {"POST": {"group_type": {"name": "together"}}}

    def rows(self) -> QuerySet[GroupType]:
        rows, public = selectors.visible(context=self.caller), self.request.query_params.get("is_public")
        if public is not None and self.caller.is_admin and public.strip().lower() != "none":
            rows = rows.filter(is_public=STYLE.boolean(public, "is_public"))
        return rows

    def post(self, request: Request, **ids: str) -> Response:
        self.check(RULE.format("create"))
        row = group_types.create(values=self.parse(request, "group_type"))
        return Response({"group_type": self.render(row)}, status=202)


class DefaultGroupTypeView(_TypeView):
    """The cloud has no default group type."""

    def get(self, request: Request) -> Response:
        self.check("group:get_all")
        raise GroupTypeNotFound("Default group type can not be found.")


class GroupTypeView(_TypeView, Item):
    """One group type."""

    noun = "group_type"
    before_row = ("show", "update", "delete")
    rules = {"show": "group:get", "update": RULE.format("update"), "delete": RULE.format("delete")}
    request_serializers = {"put": serializers.GroupTypeUpdate}
    examples = {"PUT": {"group_type": {"description": "What it is for"}}}

    def load(self, group_type_id: str) -> GroupType:
        return self.type_of(group_type_id)

    def put(self, request: Request, group_type_id: str) -> Response:
        row = self.permitted("update")
        updated = group_types.update(group_type=row, values=self.parse(request, "group_type"))
        return Response({"group_type": self.render(updated)})

    def remove(self, row: GroupType) -> None:
        group_types.delete(group_type=row)


class GroupSpecsView(_TypeView):
    """A group type's specs; POST adds to them."""

    request_serializers = {"post": serializers.GroupSpecsBody}
    examples = {"POST": {"group_specs": {"consistent_group_snapshot_enabled": "<is> False"}}}

    def get(self, request: Request, group_type_id: str) -> Response:
        self.check(SPECS.format("get_all"))
        return Response({"group_specs": self.type_of(group_type_id).group_specs})

    def post(self, request: Request, group_type_id: str) -> Response:
        self.check(SPECS.format("create"))
        row, specs = self.type_of(group_type_id), self.parse(request)["group_specs"]
        return Response({"group_specs": group_types.set_specs(group_type=row, specs=specs)}, status=202)


class GroupSpecView(_TypeView):
    """One spec of a group type."""

    request_schemas = {"put": {"application/json": TEXTS}}

    def get(self, request: Request, group_type_id: str, key: str) -> Response:
        self.check(SPECS.format("get"))
        row = self.type_of(group_type_id)
        if key not in row.group_specs:
            raise GroupSpecNotFound(type=row.id, key=key[:255])
        return Response({key: row.group_specs[key]})

    def put(self, request: Request, group_type_id: str, key: str) -> Response:
        self.check(SPECS.format("update"))
        row = self.type_of(group_type_id)
        specs = ExtraSpecs().run_validation(request.data)
        if list(specs) != [key]:
            raise BadRequest("Request body and URI mismatch")
        return Response(group_types.set_specs(group_type=row, specs=specs))

    def delete(self, request: Request, group_type_id: str, key: str) -> Response:
        self.check(SPECS.format("delete"))
        group_types.delete_spec(group_type=self.type_of(group_type_id), key=key)
        return Response(status=202)
