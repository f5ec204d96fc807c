"""``OS-ENDPOINT-POLICY``: which of the policy documents kept here an endpoint takes."""

from typing import Any

from apps.identity.api.documents import endpoints as endpoint_documents
from apps.identity.api.documents import policies as policy_documents
from apps.identity.api.documents.base import linked
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.exceptions import NotFound
from apps.identity.selectors import endpoints, policies
from apps.identity.selectors import policy_associations as selectors
from apps.identity.services import policy_associations


class EndpointPolicyView(IdentityView):
    def get(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("get_policy_for_endpoint")
        policy = selectors.policy_of(endpoints.get(endpoint_id))
        return Response({"policy": linked(request, "policies", policy_documents.render(policy))})


class PolicyEndpointsView(IdentityView):
    def get(self, request: Any, policy_id: str) -> Response:
        self.authorize("list_endpoints_for_policy")
        rows = selectors.endpoints_of(policies.get(policy_id))
        return Response(
            self.listed("endpoints", rows, lambda row: linked(request, "endpoints", endpoint_documents.render(row)))
        )


class PolicyAssociationView(IdentityView):
    """GET and HEAD: 204 or 404. PUT puts the policy at the target, DELETE takes it away."""

    kind = "endpoint"

    def get(self, request: Any, policy_id: str, **target: str) -> Response:
        self.authorize(f"check_policy_association_for_{self.kind}")
        if not selectors.exists(policy=policies.get(policy_id), **target):
            raise NotFound(noun="policy association", id=next(iter(target.values()))[:64])
        return Response(status=204)

    def put(self, request: Any, policy_id: str, **target: str) -> Response:
        self.authorize(f"create_policy_association_for_{self.kind}")
        policy_associations.create(policy_id=policy_id, **target)
        return Response(status=204)

    def delete(self, request: Any, policy_id: str, **target: str) -> Response:
        self.authorize(f"delete_policy_association_for_{self.kind}")
        policy_associations.delete(policy_id=policy_id, **target)
        return Response(status=204)
