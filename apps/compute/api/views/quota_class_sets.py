"""/os-quota-class-sets: the defaults."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.serializers import quota_sets as documents
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import quota_sets as selectors
from apps.compute.services import quota_sets

DEFAULT = "default"


class QuotaClassSetView(ComputeView):
    """There is one class, ``default``: what holds for projects without limits of their own."""

    request_serializers = {"put": documents.QuotaClassSetUpdate}
    examples = {"PUT": {"quota_class_set": {"instances": 20}}}

    def get(self, request: Request, name: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-quota-class-sets:show")
        return Response({"quota_class_set": documents.class_document(selectors.defaults(), request.version, id=name)})

    def put(self, request: Request, name: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-quota-class-sets:update")
        values = self.parse(request, "quota_class_set")
        if name != DEFAULT:
            raise BadRequest(f"There is no quota class '{name[:64]}': only '{DEFAULT}' can be changed.")
        quota_sets.set_defaults(values=values)
        return Response({"quota_class_set": documents.class_document(selectors.defaults(), request.version)})
