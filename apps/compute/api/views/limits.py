"""/limits."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.documents import quota_sets as documents
from apps.compute.api.listing import STYLE
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import quota_sets


class LimitsView(ComputeView):
    """A project's limits and usage; ``tenant_id`` names another project for administrators."""

    checks_query = True

    def get(self, request: Request) -> Response:
        self.check_query(("reserved", "tenant_id"))
        project_id = request.GET.get("tenant_id") or self.caller.project_id
        if project_id is None:
            raise BadRequest("The token has no project: name one in tenant_id.")
        if project_id != self.caller.project_id:
            policy.check(self.caller, "os_compute_api:limits:other_project", {"project_id": project_id})
        policy.check(self.caller, "os_compute_api:limits", {"project_id": project_id})
        reserved = STYLE.boolean(request.GET.get("reserved") or "0", "reserved")
        absolute = documents.render_absolute(
            quota_sets.of_project(project_id=project_id),
            quota_sets.usage(project_id=project_id, reserved_too=reserved),
            self.version,
        )
        return Response({"limits": {"rate": [], "absolute": absolute}})
