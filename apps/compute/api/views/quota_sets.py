"""/os-quota-sets."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.compute.api.documents import quota_sets as documents
from apps.compute.api.serializers import quota_sets as serializers
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import quota_sets as selectors
from apps.compute.services import quota_sets


class _QuotaView(ComputeView):
    checks_query = True

    def allow(self, verb: str, project_id: str) -> None:
        """``user_id`` is known to clients; all users of a project have the project's limits."""
        self.check_query(("user_id",))
        policy.check(self.caller, f"os_compute_api:os-quota-sets:{verb}", {"project_id": project_id})
        selectors.check_project(project_id)


class QuotaSetView(_QuotaView):
    """A project's limits; DELETE brings the defaults back."""

    request_serializers = {"put": serializers.QuotaSetUpdate}
    examples = {"PUT": {"quota_set": {"instances": 20, "cores": 40}}}

    def get(self, request: Request, project_id: str) -> Response:
        self.allow("show", project_id)
        values = selectors.of_project(project_id=project_id)
        return Response({"quota_set": documents.render(values, self.version, id=project_id)})

    def put(self, request: Request, project_id: str) -> Response:
        self.allow("update", project_id)
        values = self.parse(request, "quota_set")
        force = values.pop("force", False)
        quota_sets.update(project_id=project_id, values=values, force=force)
        now = selectors.of_project(project_id=project_id)
        return Response({"quota_set": documents.render(now, self.version)})

    def delete(self, request: Request, project_id: str) -> Response:
        self.allow("delete", project_id)
        quota_sets.reset(project_id=project_id)
        return Response(status=202)


class QuotaSetDetailView(_QuotaView):
    """Limits with usage and reservations."""

    def get(self, request: Request, project_id: str) -> Response:
        self.allow("detail", project_id)
        values = selectors.detail(project_id=project_id)
        return Response({"quota_set": documents.render(values, self.version, id=project_id)})


class QuotaSetDefaultsView(_QuotaView):
    """Limits of projects without their own."""

    def get(self, request: Request, project_id: str) -> Response:
        self.allow("defaults", project_id)
        return Response({"quota_set": documents.render(selectors.defaults(), self.version, id=project_id)})
