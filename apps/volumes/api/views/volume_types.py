"""Volume types, and who may use them."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.microversions import since
from apps.volumes.api.documents import volume_types as documents
from apps.volumes.api.listing import STYLE, TYPES
from apps.volumes.api.serializers import volume_types as serializers
from apps.volumes.api.views.base import ActionView, Collection, Item, VolumeView, WholeCollection
from apps.volumes.exceptions import VolumeTypeNotFound
from apps.volumes.models import VolumeType
from apps.volumes.selectors import lists
from apps.volumes.selectors import volume_types as selectors
from apps.volumes.services import volume_types

RULE = "volume_extension:type_{}"
ACCESS = "volume_extension:volume_type_access:{}"
SPECS_SINCE = since("3.52")
EXAMPLE = {"volume_type": {"name": "fast", "extra_specs": {"multiattach": "<is> True"}}}


class _TypeView(VolumeView):
    def render(self, row: VolumeType) -> dict[str, Any]:
        extra_specs = policy.allowed(self.caller, "volume_extension:access_types_extra_specs")
        return documents.render(row, admin=self.caller.is_admin, extra_specs=extra_specs)


class VolumeTypesView(_TypeView, Collection):
    """The types that the caller may use."""

    resource, strict_since = "volume_type", SPECS_SINCE
    plural, listing, rule = "volume_types", TYPES, RULE.format("get_all")
    request_serializers = {"post": serializers.VolumeTypeCreate}
    examples = {"POST": EXAMPLE}

    def rows(self) -> QuerySet[VolumeType]:
        rows, public = selectors.visible(context=self.caller), self.request.query_params.get("is_public")
        if public is not None and self.caller.is_admin and public.strip().lower() != "none":
            rows = rows.filter(is_public=STYLE.boolean(public, "is_public"))
        return self.narrowed(rows).none() if self._asks_for_secrets() else self.narrowed(rows)

    def _asks_for_secrets(self) -> bool:
        """Return whether the caller filters by extra specs that it may not see: it gets an empty list, as in Cinder."""
        asked = self.asked()
        if self.caller.is_admin or self.version not in SPECS_SINCE or "extra_specs" not in asked:
            return False
        return not set(lists.mapping(asked, "extra_specs")) <= set(documents.OPEN_EXTRA_SPECS)

    def post(self, request: Request, **ids: str) -> Response:
        self.check(RULE.format("create"))
        row = volume_types.create(values=self.parse(request, "volume_type"))
        return Response({"volume_type": documents.render(row, admin=False) | {"extra_specs": row.extra_specs}})


class DefaultVolumeTypeView(_TypeView):
    """The type of volumes that name none."""

    def get(self, request: Request) -> Response:
        self.check(RULE.format("get"))
        row = selectors.default(project_id=self.caller.project_id)
        if row is None:
            raise VolumeTypeNotFound("Default volume type can not be found.")
        return Response({"volume_type": self.render(row)})


class VolumeTypeView(_TypeView, Item):
    """One type."""

    noun = "volume_type"
    before_row = ("show", "update", "delete")
    rules = {name: RULE.format(verb) for name, verb in (("show", "get"), ("update", "update"), ("delete", "delete"))}
    request_serializers = {"put": serializers.VolumeTypeUpdate}
    examples = {"PUT": {"volume_type": {"description": "What it is for"}}}

    def load(self, type_id: str) -> VolumeType:
        return selectors.by_id(context=self.caller, key=type_id)

    def put(self, request: Request, type_id: str) -> Response:
        row = self.permitted("update")
        updated = volume_types.update(volume_type=row, values=self.parse(request, "volume_type"))
        document = documents.render(updated, admin=False) | {"extra_specs": updated.extra_specs}
        document.pop("os-volume-type-access:is_public")
        return Response({"volume_type": document})

    def remove(self, row: VolumeType) -> None:
        volume_types.delete(volume_type=row)


class VolumeTypeActionView(ActionView):
    """addProjectAccess and removeProjectAccess."""

    ACTIONS = {"addProjectAccess": "add", "removeProjectAccess": "remove"}
    action_serializers = dict.fromkeys(ACTIONS, serializers.TypeAccess)
    examples = {"POST": {"addProjectAccess": {"project": "<a project's id>"}}}

    def post(self, request: Request, type_id: str) -> Response:
        action, _ = self.asked(request)
        self.check(ACCESS.format(action))
        project_id = self.values(action)["project"]
        row = selectors.by_id(context=self.caller, key=type_id)
        change = volume_types.add_access if self.ACTIONS[action] == "add" else volume_types.remove_access
        change(volume_type=row, project_id=project_id)
        return Response(status=202)


class VolumeTypeAccessView(WholeCollection):
    """The projects that may use a private type."""

    plural, rule = "volume_type_access", ACCESS.format("get_all_for_type")

    def rows(self) -> list[tuple[VolumeType, str]]:
        row = selectors.by_id(context=self.caller, key=self.kwargs["type_id"])
        if row.is_public:
            raise NotFound("Access list not available for public volume types.")
        return [(row, project_id) for project_id in selectors.projects_of(volume_type=row)]

    def render(self, row: tuple[VolumeType, str]) -> dict[str, Any]:
        return documents.render_access(*row)
