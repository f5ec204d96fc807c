"""``/v3/OS-TRUST/trusts``."""

from typing import Any

from apps.identity.api.documents import roles as role_documents
from apps.identity.api.documents import trusts as documents
from apps.identity.api.documents.base import link
from apps.identity.api.serializers import trusts as serializers
from apps.identity.api.views.base import IdentityView, ReadOnlyItem, Response
from apps.identity.exceptions import NotFound
from apps.identity.models import Trust
from apps.identity.selectors import trusts as selectors
from apps.identity.services import trusts


def target_of_trust(trust: Trust) -> dict[str, Any]:
    return {"target.trust.trustor_user_id": trust.trustor_id, "target.trust.trustee_user_id": trust.trustee_id}


class TrustsView(IdentityView):
    request_serializers = {"post": serializers.TrustSerializer}

    def get(self, request: Any) -> Response:
        params = request.query_params.dict()
        rule = "list_trusts"
        for who in ("trustor", "trustee"):
            if f"{who}_user_id" in params:
                rule = f"list_trusts_for_{who}"
        subject = {f"target.trust.{name}": params.get(name) for name in ("trustor_user_id", "trustee_user_id")}
        self.authorize(rule, subject)
        return Response(self.listed("trusts", selectors.listed(params), lambda row: documents.render(request, row)))

    def post(self, request: Any) -> Response:
        values = self.parse(request, "trust")
        trustor_id = values["trustor_user_id"]  # under Keystone's name for this rule alone, and under all others'
        self.authorize(
            "create_trust", {"trust.trustor_user_id": trustor_id, "target.trust.trustor_user_id": trustor_id}
        )
        trust = trusts.create(context=self.caller, values=values)
        return Response({"trust": documents.render(request, trust)}, status=201)


class TrustView(ReadOnlyItem):
    noun = "trust"

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return target_of_trust(selectors.get(key))

    def load(self, key: str) -> Trust:
        return selectors.get(key)

    def document(self, row: Trust) -> dict[str, Any]:
        return {"trust": documents.render(self.request, row)}

    def delete(self, request: Any, trust_id: str) -> Response:
        self.permit("delete")
        trusts.delete(context=self.caller, trust_id=trust_id)
        return Response(status=204)


class TrustRolesView(IdentityView):
    def get(self, request: Any, trust_id: str) -> Response:
        self.authorize("list_roles_for_trust", target_of_trust(selectors.get(trust_id)))
        rows = selectors.get(trust_id).roles.all()
        return Response(self.listed("roles", rows, lambda role: role_documents.render_brief(request, role)))


class TrustRoleView(IdentityView):
    def get(self, request: Any, trust_id: str, role_id: str) -> Response:
        self.authorize("get_role_for_trust", target_of_trust(selectors.get(trust_id)))
        role = selectors.get(trust_id).roles.filter(pk=role_id).first()
        if role is None:
            raise NotFound(noun="role of trust", id=role_id[:64])
        return Response(
            {"role": {**role_documents.render_brief(request, role), "links": {"self": link(request, "roles", role.pk)}}}
        )
