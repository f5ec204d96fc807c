"""/os-quota-class-sets: the defaults."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.compute.api.documents import quota_sets as documents
from apps.compute.api.serializers import quota_sets as serializers
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import quota_sets as selectors
from apps.compute.services import quota_sets


class QuotaClassSetView(ComputeView):
    """The class ``default`` applies to projects without their own limits; others are stored, as in Nova."""

    request_serializers = {"put": serializers.QuotaClassSetUpdate}
    examples = {"PUT": {"quota_class_set": {"instances": 20}}}

    def get(self, request: Request, name: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-quota-class-sets:show")
        limits = selectors.of_class(name)
        return Response({"quota_class_set": documents.render_class(limits, self.version, id=name)})

    def put(self, request: Request, name: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-quota-class-sets:update")
        values = self.parse(request, "quota_class_set")
        quota_sets.set_class(name=name, values=values)
        return Response({"quota_class_set": documents.render_class(selectors.of_class(name), self.version)})
