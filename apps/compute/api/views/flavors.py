"""/flavors."""

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import microversions, policy
from apps.common.api.collections import Listing, Page
from apps.common.api.queries import refusal
from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api.documents import flavors as documents
from apps.compute.api.listing import FLAVORS, FLAVORS_WITHOUT_RXTX, STYLE
from apps.compute.api.serializers import flavors as serializers
from apps.compute.api.views.base import Collection, ComputeView, Item
from apps.compute.models import Flavor
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors

KNOWN = ("limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir")
BY_NAME = since("2.102")
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


class _FlavorView(ComputeView):
    def renderer(self) -> documents.Renderer:
        visible = policy.allowed(self.caller, SEE_EXTRA_SPECS)
        return documents.Renderer(request=self.request, version=self.version, extra_specs=visible)


class FlavorsView(_FlavorView, Collection):
    """Flavors that the caller may use."""

    checks_query = True
    plural, listing = "flavors", FLAVORS
    request_serializers = {"post": serializers.FlavorCreate}
    examples = {"POST": EXAMPLE}
    detailed = False

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody lists the flavors that it may use."""

    def rows(self) -> QuerySet[Flavor]:
        self.check_query(repeatable=(*KNOWN, "name") if self.version in BY_NAME else KNOWN)
        params, admin = self.request.GET, self.caller.is_admin
        return selectors.listed(
            context=self.caller,
            is_public=_is_public(params.get("is_public")) if admin else True,
            min_ram=FILTERS.whole(params.get("minRam", "0"), "minRam"),
            min_disk=FILTERS.whole(params.get("minDisk", "0"), "minDisk"),
            name=params.get("name") if self.version in BY_NAME else None,
        )

    def cut(self) -> Listing | None:
        """Return how pages are read: ``rxtx_factor`` is no key from 2.102 on."""
        return FLAVORS_WITHOUT_RXTX if self.version in BY_NAME else self.listing

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


class FlavorView(_FlavorView, Item):
    """One flavor; from 2.55 on its description can be changed."""

    noun, rules = "flavor", "os_compute_api:os-flavor-manage"
    before_row = ("update", "delete")
    code_of_delete = 202
    request_serializers = {"put": serializers.FlavorUpdate}
    examples = {"PUT": {"flavor": {"description": "What it is good for"}}}

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody sees the flavors that it may use."""
        if action != "show":
            super().permit(action)

    def load(self, flavor_id: str) -> Flavor:
        return selectors.get(context=self.caller, flavor_id=flavor_id)

    def render(self, row: Flavor) -> dict[str, Any]:
        return self.renderer().render(row)

    @microversions.handler("2.55")
    def put(self, request: Request, flavor_id: str) -> Response:
        self.permit("update")
        values = self.parse(request, "flavor")
        return Response(self.document(flavors.update(flavor=self.load(flavor_id), **values)))

    def remove(self, row: Flavor) -> None:
        flavors.delete(flavor=row)
