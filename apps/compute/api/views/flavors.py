"""/flavors."""

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import microversions, policy
from apps.common.api.collections import Page
from apps.common.api.queries import refusal
from apps.common.api.views import Response
from apps.compute.api import queries
from apps.compute.api.documents import flavors as documents
from apps.compute.api.listing import FLAVORS, STYLE
from apps.compute.api.serializers import flavors as serializers
from apps.compute.api.views.base import Collection
from apps.compute.models import Flavor
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors

KNOWN = ("limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir")
EXAMPLE = {"flavor": {"name": "m1.example", "ram": 512, "vcpus": 1, "disk": 5}}
_INVALID = refusal("Invalid {name} filter [{value}]")
FILTERS = replace(STYLE, not_boolean=_INVALID, not_number=_INVALID)
SEE_EXTRA_SPECS = "os_compute_api:os-flavor-extra-specs:index"


def _is_public(text: str | None) -> bool | None:
    """Return which flavors are asked for: public ones when nothing is said, both for the word "none"."""
    if text is None:
        return True
    if text.strip().lower() == "none":
        return None
    return FILTERS.boolean(text, "is_public")


class FlavorsView(Collection):
    """Flavors that the caller may use."""

    plural, listing = "flavors", FLAVORS
    request_serializers = {"post": serializers.FlavorCreate}
    examples = {"POST": EXAMPLE}
    detailed = False

    def renderer(self) -> documents.Renderer:
        visible = policy.allowed(self.caller, SEE_EXTRA_SPECS)
        return documents.Renderer(request=self.request, version=self.version, extra_specs=visible)

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody lists the flavors that it may use."""

    def rows(self) -> QuerySet[Flavor]:
        queries.check(self.request, repeatable=KNOWN)
        params, admin = self.request.GET, self.caller.is_admin
        return selectors.listed(
            context=self.caller,
            is_public=_is_public(params.get("is_public")) if admin else True,
            min_ram=FILTERS.whole(params.get("minRam", "0"), "minRam"),
            min_disk=FILTERS.whole(params.get("minDisk", "0"), "minDisk"),
        )

    def page(self) -> Page:
        if self.request.GET:
            return super().page()
        rows, more = selectors.first_page(context=self.caller)  # the usual request
        return Page(rows=rows, more=more)

    def documents(self, rows: list[Flavor]) -> list[dict[str, Any]]:
        renderer = self.renderer()
        render = renderer.render if self.detailed else renderer.render_brief
        return [render(flavor) for flavor in rows]

    def mark_of(self, row: Any) -> str:
        return str(row.flavor_id)

    def post(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-flavor-manage:create")
        flavor = flavors.create(values=self.parse(request, "flavor"))
        return Response({"flavor": self.renderer().render(flavor)})


class FlavorsDetailView(FlavorsView):
    """Flavors with their sizes."""

    http_method_names = ["get", "head", "options"]
    detailed = True


class FlavorView(FlavorsView):
    """One flavor; from 2.55 on its description can be changed."""

    http_method_names = ["get", "head", "put", "delete", "options"]
    request_serializers = {"put": serializers.FlavorUpdate}
    examples = {"PUT": {"flavor": {"description": "What it is good for"}}}

    def get(self, request: Request, flavor_id: str) -> Response:  # type: ignore[override]
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        return Response({"flavor": self.renderer().render(flavor)})

    @microversions.handler("2.55")
    def put(self, request: Request, flavor_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-flavor-manage:update")
        values = self.parse(request, "flavor")
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        return Response({"flavor": self.renderer().render(flavors.update(flavor=flavor, **values))})

    def delete(self, request: Request, flavor_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-flavor-manage:delete")
        flavors.delete(flavor=selectors.get(context=self.caller, flavor_id=flavor_id))
        return Response(status=202)
