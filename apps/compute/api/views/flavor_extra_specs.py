"""/flavors/{flavor_id}/os-extra_specs."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.serializers import flavor_extra_specs as serializers
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors

RULE = "os_compute_api:os-flavor-extra-specs:{}"


# Numbers too, as in Nova: they are kept as texts.
TEXTS = {"type": "object", "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "number"}]}}


class ExtraSpecsView(ComputeView):
    """A flavor's extra specs; POST adds to them."""

    request_schemas = {"post": {"application/json": {"type": "object", "properties": {"extra_specs": TEXTS}}}}
    examples = {"POST": {"extra_specs": {"hw:cpu_policy": "shared"}}}

    def get(self, request: Request, flavor_id: str) -> Response:
        policy.check(self.caller, RULE.format("index"))
        return Response({"extra_specs": selectors.get(context=self.caller, flavor_id=flavor_id).extra_specs})

    def post(self, request: Request, flavor_id: str) -> Response:
        policy.check(self.caller, RULE.format("create"))
        body = request.data
        if not isinstance(body, dict) or set(body) != {"extra_specs"}:
            raise BadRequest("Invalid input: the request body must have the key 'extra_specs', and no other.")
        wanted = serializers.parse(body["extra_specs"], self.version)
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        return Response({"extra_specs": flavors.add_extra_specs(flavor=flavor, extra_specs=wanted)})


class ExtraSpecView(ComputeView):
    """One extra spec of a flavor."""

    request_schemas = {"put": {"application/json": TEXTS}}

    def get(self, request: Request, flavor_id: str, key: str) -> Response:
        policy.check(self.caller, RULE.format("show"))
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        return Response({key: selectors.extra_spec(flavor=flavor, key=key)})

    def put(self, request: Request, flavor_id: str, key: str) -> Response:
        policy.check(self.caller, RULE.format("update"))
        wanted = serializers.parse(request.data, self.version, field="body")
        if len(wanted) != 1:
            raise BadRequest("Invalid input: the request body must have exactly one extra spec.")
        if key not in wanted:
            raise BadRequest("Request body and URI mismatch")
        flavor = selectors.get(context=self.caller, flavor_id=flavor_id)
        return Response(flavors.add_extra_specs(flavor=flavor, extra_specs=wanted))

    def delete(self, request: Request, flavor_id: str, key: str) -> Response:
        policy.check(self.caller, RULE.format("delete"))
        flavors.delete_extra_spec(flavor=selectors.get(context=self.caller, flavor_id=flavor_id), key=key)
        return Response(status=200)
