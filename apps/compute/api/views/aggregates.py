"""/os-aggregates: there are none yet; clients ask for them when they show a hypervisor."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.compute.api.views.base import ComputeView


class AggregatesView(ComputeView):
    """Host aggregates."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-aggregates:index")
        return Response({"aggregates": []})
