"""``/v3/users/{id}/application_credentials`` and ``/v3/users/{id}/access_rules``."""

from typing import Any

from apps.identity.api.documents import application_credentials as documents
from apps.identity.api.documents.base import link
from apps.identity.api.serializers import application_credentials as serializers
from apps.identity.api.views.base import IdentityView, ReadOnlyItem, Response, target_of_user
from apps.identity.models import AccessRule, ApplicationCredential
from apps.identity.selectors import application_credentials as selectors
from apps.identity.selectors import users
from apps.identity.services import application_credentials, delegation_rules


class OfUserView(IdentityView):
    collection = ""

    def authorize_user(self, rule: str, user_id: str) -> str:
        self.authorize(rule, target_of_user(users.find(user_id)))
        delegation_rules.refuse_trust(self.caller)
        return users.get(user_id).pk

    def linked_of(self, user_id: str, shown: dict[str, Any]) -> dict[str, Any]:
        """Return a document with the link to itself."""
        return {**shown, "links": {"self": link(self.request, "users", user_id, self.collection, shown["id"])}}


class ApplicationCredentialsView(OfUserView):
    collection = "application_credentials"
    request_serializers = {"post": serializers.ApplicationCredentialSerializer}
    examples = {"POST": {"application_credential": {"name": "", "roles": [{"name": "member"}]}}}

    def get(self, request: Any, user_id: str) -> Response:
        self.authorize_user("list_application_credentials", user_id)
        rows = selectors.of_user(user_id, request.query_params.dict())
        rows = delegation_rules.application_credentials_within_reach(self.caller, rows)
        return Response(
            self.listed(
                "application_credentials",
                rows,
                lambda row: self.linked_of(user_id, documents.render(row)),
            )
        )

    def post(self, request: Any, user_id: str) -> Response:
        """Make a credential. Its secret is in this answer and in no other."""
        self.authorize_user("create_application_credential", user_id)
        values = self.parse(request, "application_credential")
        credential, secret = application_credentials.create(context=self.caller, values=values)
        shown = self.linked_of(user_id, documents.render(credential, secret))
        return Response({"application_credential": shown}, status=201)


class _ItemOfUser(OfUserView, ReadOnlyItem):
    """One of a user's rows: show and delete."""

    def permit(self, action: str, row: Any = None) -> None:
        verb = "get" if action == "show" else action
        self.authorize_user(f"{verb}_{self.noun}", self.kwargs["user_id"])

    def document(self, row: Any) -> dict[str, Any]:
        return {self.noun: self.linked_of(self.kwargs["user_id"], self.render(row))}


class ApplicationCredentialView(_ItemOfUser):
    noun, collection = "application_credential", "application_credentials"

    def load(self, user_id: str, credential_id: str) -> ApplicationCredential:
        credential = selectors.get(user_id=user_id, credential_id=credential_id)
        delegation_rules.refuse_elsewhere(self.caller, credential.project_id)
        return credential

    def render(self, row: ApplicationCredential) -> dict[str, Any]:
        return documents.render(row)

    def delete(self, request: Any, user_id: str, credential_id: str) -> Response:
        self.permit("delete")
        application_credentials.delete(context=self.caller, user_id=user_id, credential_id=credential_id)
        return Response(status=204)


class AccessRulesView(OfUserView):
    collection = "access_rules"

    def get(self, request: Any, user_id: str) -> Response:
        self.authorize_user("list_access_rules", user_id)
        rows = selectors.rules_of(user_id, request.query_params.dict())
        return Response(
            self.listed("access_rules", rows, lambda row: self.linked_of(user_id, documents.render_rule(row)))
        )


class AccessRuleView(_ItemOfUser):
    noun, collection = "access_rule", "access_rules"

    def load(self, user_id: str, rule_id: str) -> AccessRule:
        return selectors.rule(user_id=user_id, rule_id=rule_id)

    def render(self, row: AccessRule) -> dict[str, Any]:
        return documents.render_rule(row)

    def delete(self, request: Any, user_id: str, rule_id: str) -> Response:
        self.permit("delete")
        application_credentials.delete_rule(context=self.caller, user_id=user_id, rule_id=rule_id)
        return Response(status=204)
