"""/flavors."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import microversions, pagination, policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api import queries
from apps.compute.api.documents import flavors as documents
from apps.compute.api.serializers import flavors as serializers
from apps.compute.api.views.base import ComputeView
from apps.compute.models import Flavor
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors

KNOWN = ("limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir")
SORT_KEYS = {
    "created_at": "created_at",
    "description": "description",
    "disabled": "disabled",
    "ephemeral_gb": "ephemeral_gib",
    "flavorid": "flavor_id",
    "id": "id",
    "is_public": "is_public",
    "memory_mb": "ram_mib",
    "name": "name",
    "root_gb": "disk_gib",
    "rxtx_factor": "rxtx_factor",
    "swap": "swap_mib",
    "updated_at": "created_at",  # flavors do not change
    "vcpu_weight": "id",
    "vcpus": "vcpus",
}
EXAMPLE = {"flavor": {"name": "m1.example", "ram": 512, "vcpus": 1, "disk": 5}}
SEE_EXTRA_SPECS = "os_compute_api:os-flavor-extra-specs:index"


def _is_public(text: str | None) -> bool | None:
    """Return which flavors are asked for: public ones when nothing is said, both for the word "none"."""
    if text is None:
        return True
    if text.strip().lower() == "none":
        return None
    try:
        return queries.boolean(text, "is_public")
    except BadRequest:
        raise BadRequest(f"Invalid is_public filter [{text[:64]}]") from None


def _found(request: Request) -> QuerySet[Flavor]:
    params = request.GET
    return selectors.listed(
        context=request.auth,
        is_public=_is_public(params.get("is_public")) if request.auth.is_admin else True,
        min_ram=queries.whole(params.get("minRam", "0"), "Invalid minRam filter [{}]"),
        min_disk=queries.whole(params.get("minDisk", "0"), "Invalid minDisk filter [{}]"),
    )


def _order(request: Request) -> list[tuple[str, str]]:
    key, direction = request.GET.get("sort_key", "flavorid"), request.GET.get("sort_dir", "asc")
    if key not in SORT_KEYS:
        raise BadRequest(f"Invalid input for query parameters sort_key. Value: {key[:64]}.")
    if direction not in ("asc", "desc"):
        raise BadRequest(f"Invalid input for query parameters sort_dir. Value: {direction[:64]}.")
    order = [(SORT_KEYS[key], direction)]
    return order if key in ("id", "flavorid", "name") else [*order, ("flavor_id", "asc")]


def _page(request: Request) -> tuple[list[Flavor], bool]:
    if not request.GET:
        return selectors.first_page(context=request.auth)
    queries.check(request, repeatable=KNOWN)
    rows, marker = _found(request), None
    if request.GET.get("marker"):
        marker = rows.filter(flavor_id=request.GET["marker"]).first()
        if marker is None:
            raise BadRequest(f"marker [{request.GET['marker'][:64]}] not found")
    return pagination.page(rows, sort=_order(request), marker=marker, limit=pagination.limit_of(request.GET))


class FlavorsView(ComputeView):
    """Flavors that the caller may use."""

    request_serializers = {"post": serializers.FlavorCreate}
    examples = {"POST": EXAMPLE}
    detailed = False

    def renderer(self) -> documents.Renderer:
        visible = policy.allowed(self.caller, SEE_EXTRA_SPECS)
        return documents.Renderer(request=self.request, version=self.request.version, extra_specs=visible)

    def get(self, request: Request) -> Response:
        found, more = _page(request)
        renderer = self.renderer()
        render = renderer.render if self.detailed else renderer.render_brief
        document: dict[str, Any] = {"flavors": [render(flavor) for flavor in found]}
        if more:
            document["flavors_links"] = pagination.next_link(request, marker=found[-1].flavor_id)
        return Response(document)

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
