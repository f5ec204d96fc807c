"""``/v2.0/tokens``: signing in with the old API, and validation for administrators."""

from typing import Any

from apps.common import addresses
from apps.common.api.views import Response
from apps.identity.api.v2 import documents
from apps.identity.api.v2.serializers import AuthSerializer
from apps.identity.api.views.base import IdentityView
from apps.identity.exceptions import NotFound, Unauthorized
from apps.identity.selectors import catalog, tokens
from apps.identity.selectors.tokens import Token
from apps.identity.services import authentication
from apps.identity.services import tokens as services
from apps.identity.services.authentication import AuthRequest, Name
from apps.identity.states import DEFAULT_DOMAIN_ID, Scope


def sign_in_of(values: dict[str, Any], address: str) -> AuthRequest:
    """Return the authentication request of a v2.0 body. Names are of the default domain: v2.0 knows no other; nor may
    ids be.
    """
    name, pk = values.get("tenantName"), values.get("tenantId")
    given = values.get("passwordCredentials")
    return AuthRequest(
        methods=("password",) if given else ("token",),
        user=Name(id=given.get("userId"), name=given.get("username"), domain_id=DEFAULT_DOMAIN_ID) if given else None,
        password=given["password"] if given else None,
        token=None if given else values["token"]["id"],
        scope=Scope.PROJECT if name or pk else None,
        target=Name(id=pk or None, name=name, domain_id=DEFAULT_DOMAIN_ID) if name or pk else None,
        remote_address=address,
    )


def answer(text: str, token: Token) -> Response:
    project_id = token.payload.scope_id if token.payload.scope is Scope.PROJECT else None
    entries = catalog.catalog(user_id=token.payload.user_id, project_id=project_id) if project_id else None
    return Response(documents.render_access(text, token, entries))


class TokensView(IdentityView):
    authentication_classes = ()
    permission_classes = ()
    request_serializers = {"post": AuthSerializer}

    def post(self, request: Any) -> Response:
        text, token = authentication.sign_in(
            sign_in_of(self.parse(request, "auth"), addresses.of(request)), domain_id=DEFAULT_DOMAIN_ID
        )
        return answer(text, token)


class TokenView(IdentityView):
    """The token is in the path, as in v2.0; logs show it as ``***``."""

    def _subject(self, rule: str, text: str) -> Token:
        """Return the token. Raises NotFound when it is none, Unauthorized when ``belongsTo`` names another tenant."""
        token = tokens.validate(text)
        if token is None:
            raise NotFound("Could not find token.")
        self.authorize(rule, {"target.token.user_id": token.payload.user_id})
        tenant = self.request.query_params.get("belongsTo")
        if tenant and tenant != token.payload.scope_id:
            raise Unauthorized
        return token

    def _visible_token(self, text: str) -> Token:
        """Return a token whose user and tenant are in the default domain, the only one that v2.0 knows. Raises
        NotFound.
        """
        token = self._subject("validate_token", text)
        places = (token.scoped_user.user_domain, token.scoped_user.target_domain)
        if any(place is not None and place.id != DEFAULT_DOMAIN_ID for place in places):
            raise NotFound("Could not find token.")
        return token

    def get(self, request: Any, token_id: str) -> Response:
        return answer(token_id, self._visible_token(token_id))

    def delete(self, request: Any, token_id: str) -> Response:
        services.revoke(payload=self._subject("revoke_token", token_id).payload)
        return Response(status=204)


class TokenEndpointsView(TokenView):
    http_method_names = ["get", "head", "options"]

    def get(self, request: Any, token_id: str) -> Response:
        payload = self._visible_token(token_id).payload
        project_id = payload.scope_id if payload.scope is Scope.PROJECT else None
        entries = documents.service_catalog(catalog.catalog(user_id=payload.user_id, project_id=project_id))
        endpoints = [
            {**endpoint, "type": service["type"], "name": service["name"]}
            for service in entries
            for endpoint in service["endpoints"]
        ]
        return Response({"endpoints": endpoints, "endpoints_links": []})
