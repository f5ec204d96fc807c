"""``/v3/policies``: documents that services keep here. Celerity reads none of them."""

from typing import Any

from apps.identity.api.documents import policies as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import policies as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import policies as selectors
from apps.identity.services import policies


class PoliciesView(IdentityView):
    request_serializers = {"post": serializers.PolicySerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_policies")
        rows = selectors.listed(request.query_params.dict())
        return Response(many(request, "policies", rows, lambda row: one(request, "policies", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_policy")
        policy = policies.create(values=self.parse(request, "policy"))
        return Response({"policy": one(request, "policies", documents.render(policy))}, status=201)


class PolicyView(IdentityView):
    request_serializers = {"patch": serializers.PolicyUpdateSerializer}

    def get(self, request: Any, policy_id: str) -> Response:
        self.authorize("get_policy")
        return Response({"policy": one(request, "policies", documents.render(selectors.get(policy_id)))})

    def patch(self, request: Any, policy_id: str) -> Response:
        self.authorize("update_policy")
        policy = policies.update(policy_id=policy_id, changes=self.parse(request, "policy"))
        return Response({"policy": one(request, "policies", documents.render(policy))})

    def delete(self, request: Any, policy_id: str) -> Response:
        self.authorize("delete_policy")
        policies.delete(policy_id=policy_id)
        return Response(status=204)
