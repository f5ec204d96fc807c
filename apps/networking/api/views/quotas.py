"""How many resources a project may have."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.collections import Collection
from apps.common.api.views import Response, ServiceView
from apps.networking.api.serializers.quotas import QuotaUpdate
from apps.networking.selectors import quotas as selectors
from apps.networking.services import quotas


class Quotas(Collection):
    """The projects with their own limits, for administrators."""

    plural, listing = "quotas", None

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "update_quota", {"project_id": self.caller.project_id})

    def rows(self) -> Any:
        return sorted(selectors.own().items())

    def render(self, row: Any) -> dict[str, Any]:
        project_id, limits = row
        return {"tenant_id": project_id, "project_id": project_id, **limits}


class OwnTenant(ServiceView):
    """Which project the caller's token is for: old clients ask before they ask for its limits."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "get_quota")
        return Response({"tenant": {"tenant_id": self.caller.project_id, "project_id": self.caller.project_id}})


class QuotaItem(ServiceView):
    """The limits of a project: show, set, drop."""

    request_serializers = {"put": QuotaUpdate}
    examples = {"PUT": {"quota": {"port": 50}}}

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "get_quota", {"project_id": project_id})
        return Response({"quota": selectors.of_project(project_id=project_id)})

    def put(self, request: Request, project_id: str) -> Response:
        values = self.parse(request, "quota")
        policy.check(self.caller, "update_quota", {"project_id": project_id})
        quotas.update(project_id=project_id, values=values)
        return Response({"quota": selectors.of_project(project_id=project_id)})

    def delete(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "delete_quota", {"project_id": project_id})
        quotas.reset(project_id=project_id)
        return Response(status=204)


class QuotaDefaults(ServiceView):
    """The limits of projects without their own."""

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "get_quota", {"project_id": project_id})
        return Response({"quota": selectors.defaults()})


class QuotaDetails(ServiceView):
    """The limits of a project with its usage."""

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "get_quota", {"project_id": project_id})
        return Response({"quota": selectors.details(project_id=project_id)})
