"""``/v3/auth/tokens``: signing in, looking at a token, ending one."""

from typing import Any

from apps.common import addresses, policy
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import BadRequest, Unauthorized
from apps.identity.api.documents import tokens as documents
from apps.identity.api.serializers import tokens as serializers
from apps.identity.exceptions import NotFound
from apps.identity.selectors import catalog, tokens
from apps.identity.selectors.tokens import Token
from apps.identity.services import authentication
from apps.identity.services import tokens as services
from apps.identity.states import Scope


class TokensView(ServiceView):
    request_serializers = {"post": serializers.AuthSerializer}
    response_serializers = {"post": documents.TokenAnswer, "get": documents.TokenAnswer}
    examples = {
        "POST": {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": "demo", "domain": {"id": "default"}, "password": ""}},
                },
                "scope": {"project": {"name": "demo", "domain": {"id": "default"}}},
            }
        }
    }

    def get_authenticators(self) -> list[Any]:
        """Signing in needs no identity; an old token in the request must not prevent it."""
        return [] if self.request is not None and self.request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> Any:
        return [] if self.request is not None and self.request.method == "POST" else super().get_permissions()

    def _answer(self, request: Any, token: Token, text: str, status: int) -> Response:
        entries = None
        if "nocatalog" not in request.query_params and token.scoped_user.scope is not Scope.UNSCOPED:
            entries = self._catalog(token)
        return Response(documents.render(token, entries), status=status, headers={"X-Subject-Token": text})

    @staticmethod
    def _catalog(token: Token) -> list[dict[str, Any]]:
        project = token.payload.scope_id if token.payload.scope is Scope.PROJECT else None
        return catalog.catalog(user_id=token.payload.user_id, project_id=project)

    def _subject(self, request: Any, rule: str) -> tuple[str, Token]:
        """Return the token in X-Subject-Token. Raises NotFound (404) when it is not or no longer one."""
        text = request.headers.get("X-Subject-Token", "")
        if not text:
            raise BadRequest("The header X-Subject-Token is missing.")
        token = tokens.validate(text, allow_expired=request.query_params.get("allow_expired", "") in ("1", "true"))
        subject = {"target.token.user_id": token.payload.user_id} if token else {}
        if token is not None:
            policy.check(self.caller, rule, subject)
            return text, token
        raise NotFound("Could not find token.")

    def post(self, request: Any) -> Response:
        values = self.parse(request, "auth")
        text, token = authentication.sign_in(serializers.sign_in_of(values, remote_address=addresses.of(request)))
        return self._answer(request, token, text, 201)

    def get(self, request: Any) -> Response:
        text, token = self._subject(request, "identity:validate_token")
        return self._answer(request, token, text, 200)

    def head(self, request: Any) -> Response:
        text, token = self._subject(request, "identity:check_token")
        return self._answer(request, token, text, 200)

    def delete(self, request: Any) -> Response:
        _, token = self._subject(request, "identity:revoke_token")
        services.revoke(payload=token.payload)
        return Response(status=204)


__all__ = ["TokensView", "Unauthorized"]
