"""/flavors/{flavor_id}/os-flavor-access and the actions that change it."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.microversions import since
from apps.compute.api.documents import flavors as documents
from apps.compute.api.serializers import flavors as serializers
from apps.compute.api.views.base import ComputeView, WholeCollection
from apps.compute.models import Flavor
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors

PUBLIC_REFUSED = since("2.7")
ACTIONS = {
    "addTenantAccess": ("add_tenant_access", flavors.add_access),
    "removeTenantAccess": ("remove_tenant_access", flavors.remove_access),
}


class FlavorAccessView(WholeCollection):
    """Projects that may use a private flavor."""

    plural, rule = "flavor_access", "os_compute_api:os-flavor-access"

    def rows(self) -> list[tuple[Flavor, str]]:
        flavor = selectors.get(context=self.caller, flavor_id=self.kwargs["flavor_id"])
        if flavor.is_public:
            raise NotFound("Access list not available for public flavors.")
        return [(flavor, project_id) for project_id in selectors.projects_of(flavor=flavor)]

    def render(self, row: tuple[Flavor, str]) -> dict[str, Any]:
        return documents.render_access(*row)


class FlavorActionView(ComputeView):
    """addTenantAccess and removeTenantAccess."""

    action_serializers = dict.fromkeys(ACTIONS, serializers.FlavorAction)
    examples = {"POST": {"addTenantAccess": {"tenant": "project id"}}}

    def post(self, request: Request, flavor_id: str) -> Response:
        names = list(request.data) if isinstance(request.data, dict) else []
        if len(names) != 1 or names[0] not in ACTIONS:
            raise BadRequest(f"The request body must have one of the actions {', '.join(ACTIONS)}.")
        rule, act = ACTIONS[names[0]]
        policy.check(self.caller, f"os_compute_api:os-flavor-access:{rule}")
        values = self.parse(request, names[0], serializer=self.action_serializers[names[0]])
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        more = {} if names[0] != "addTenantAccess" else {"public": self.version not in PUBLIC_REFUSED}
        act(flavor=flavor, project_id=values["tenant"], **more)
        projects = selectors.projects_of(flavor=flavor)
        return Response({"flavor_access": [documents.render_access(flavor, project_id) for project_id in projects]})
