"""Limits and usage: /os-quota-sets, /os-quota-class-sets, /limits."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.quotas.selectors.limits import DEFAULT_OWNER
from apps.volumes.api.documents import quota_sets as documents
from apps.volumes.api.serializers import quota_sets as serializers
from apps.volumes.api.views.base import VolumeView
from apps.volumes.selectors import quota_sets as selectors
from apps.volumes.services import quota_sets

RULE = "volume_extension:quotas:{}"
CLASS_RULE = "volume_extension:quota_classes:{}"
OTHER_PROJECT_SINCE = since("3.39")


class _QuotaView(VolumeView):
    def allow(self, verb: str, project_id: str) -> None:
        policy.check(self.caller, RULE.format(verb), {"project_id": project_id})


class QuotaSetView(_QuotaView):
    """A project's limits; with ``usage`` what is used of them. DELETE brings the defaults back."""

    request_serializers = {"put": serializers.Limits}
    examples = {"PUT": {"quota_set": {"volumes": 20, "gigabytes": 500}}}

    def get(self, request: Request, project_id: str) -> Response:
        self.allow("show", project_id)
        if self.flag("usage"):
            return Response({"quota_set": documents.render(selectors.with_usage(project_id), id=project_id)})
        return Response({"quota_set": documents.render(selectors.of_owner(project_id), id=project_id)})

    def put(self, request: Request, project_id: str) -> Response:
        self.allow("update", project_id)
        values = self.parse(request, "quota_set")
        selectors.check_project(project_id)
        quota_sets.update(owner_id=project_id, values=values)
        return Response({"quota_set": documents.render(selectors.of_owner(project_id))})

    def delete(self, request: Request, project_id: str) -> Response:
        self.allow("delete", project_id)
        quota_sets.reset(project_id=project_id)
        return Response(status=200)


class QuotaSetDefaultsView(_QuotaView):
    """Limits of projects without their own."""

    def get(self, request: Request, project_id: str) -> Response:
        self.allow("show", project_id)
        return Response({"quota_set": documents.render(selectors.of_owner(DEFAULT_OWNER), id=project_id)})


class QuotaClassSetView(VolumeView):
    """The class ``default`` applies to projects without their own limits; others are stored, as in Cinder."""

    request_serializers = {"put": serializers.Limits}
    examples = {"PUT": {"quota_class_set": {"volumes": 20}}}

    def get(self, request: Request, name: str) -> Response:
        self.check(CLASS_RULE.format("get"))
        limits = selectors.of_owner(selectors.owner_of_class(name))
        return Response({"quota_class_set": documents.render(limits, id=name)})

    def put(self, request: Request, name: str) -> Response:
        self.check(CLASS_RULE.format("update"))
        owner = selectors.owner_of_class(name)
        quota_sets.update(owner_id=owner, values=self.parse(request, "quota_class_set"))
        return Response({"quota_class_set": documents.render(selectors.of_owner(owner))})


class LimitsView(VolumeView):
    """A project's limits and usage; ``project_id`` names another project for administrators (3.39)."""

    def get(self, request: Request) -> Response:
        self.check("limits_extension:used_limits")
        params, other = request.query_params, None
        if self.caller.is_admin and self.version in OTHER_PROJECT_SINCE:
            other = params.get("project_id") or params.get("tenant_id")
        project_id = other or self.caller.project_id
        if project_id is None:
            raise BadRequest("The token has no project: name one in project_id.")
        absolute = documents.render_absolute(selectors.of_owner(project_id), selectors.usage(project_id))
        return Response({"limits": {"rate": [], "absolute": absolute}})
