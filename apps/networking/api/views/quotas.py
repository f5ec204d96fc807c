"""How many resources a project may have."""

from django.conf import settings
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.networking.selectors import usage


class QuotaItem(ServiceView):
    """The limits of a project: those of the settings, for every project the same."""

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "get_quota", {"project_id": project_id})
        return Response({"quota": dict(settings.NETWORK_QUOTAS)})


class QuotaDetails(ServiceView):
    """The limits of a project beside what it has."""

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, "get_quota", {"project_id": project_id})
        used = usage.of_project(project_id=project_id)
        return Response(
            {
                "quota": {
                    name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
                    for name, limit in settings.NETWORK_QUOTAS.items()
                }
            }
        )
