"""Who asks: a token in a header, or a person with Django's session."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, SessionAuthentication

from apps.common import addresses, audit
from apps.common.context import RequestContext, new_request_id
from apps.identity import access_rules
from apps.identity.exceptions import Unauthorized
from apps.identity.selectors import projects, scopes, tokens
from apps.identity.selectors.scopes import ScopedUser
from apps.identity.selectors.tokens import Token
from apps.identity.states import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """The signed-in user as pages and DRF see it; ``token`` is None for a browser's session."""

    id: str
    name: str
    is_staff: bool = False
    token: Token | None = field(default=None, repr=False)

    is_authenticated = True
    is_active = True

    @property
    def pk(self) -> str:
        return self.id

    def get_username(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name


def context_of(scoped_user: ScopedUser, request: Any) -> RequestContext:
    """Return the caller as services and policy rules see it."""
    is_project, target, domain = scoped_user.scope is Scope.PROJECT, scoped_user.target, scoped_user.target_domain
    return RequestContext(
        request_id=getattr(request, "request_id", "") or new_request_id(),
        user_id=scoped_user.user_id,
        user_name=scoped_user.user_name,
        user_domain_id=scoped_user.user_domain.id,
        project_id=target.id if is_project and target else None,
        project_name=target.name if is_project and target else "",
        project_domain_id=domain.id if is_project and domain else None,
        domain_id=target.id if scoped_user.scope is Scope.DOMAIN and target else None,
        system_scope="all" if scoped_user.scope is Scope.SYSTEM else None,
        roles=scoped_user.role_names,
        is_admin="admin" in scoped_user.role_names,
        remote_address=addresses.of(request),
        **_delegation(scoped_user),
    )


def _delegation(scoped_user: ScopedUser) -> dict[str, Any]:
    given = scoped_user.delegated
    if given is None:
        return {}
    restricted = not given.unrestricted
    return {"trust_id" if given.kind == "trust" else "application_credential_id": given.id, "is_restricted": restricted}


def _bind(context: RequestContext, scoped_user: ScopedUser) -> None:
    audit.initiator(
        user_id=context.user_id,
        user_name=context.user_name,
        project_id=context.project_id,
        address=context.remote_address,
        credential=scoped_user.delegated.described() if scoped_user.delegated is not None else None,
    )


class TokenAuthentication(BaseAuthentication):
    """``X-Auth-Token``. Other identity headers (X-User-Id, X-Roles, …) mean nothing here (OSSA class 17)."""

    def authenticate(self, request: Any) -> tuple[Principal, RequestContext] | None:
        text = request.META.get("HTTP_X_AUTH_TOKEN")
        if not text:
            return None
        token = tokens.validate(text)
        if token is None:
            raise Unauthorized
        scoped_user = token.scoped_user
        if scoped_user.delegated is not None and not access_rules.allow(
            scoped_user.delegated.access_rules, method=request.method, path=request.path_info
        ):
            raise Unauthorized
        principal = Principal(id=scoped_user.user_id, name=scoped_user.user_name, token=token)
        context = context_of(scoped_user, request._request)
        _bind(context, scoped_user)
        return principal, context

    def authenticate_header(self, request: Any) -> str:
        return f'Keystone uri="{request.build_absolute_uri("/identity")}"'


class BrowserSessionAuthentication(SessionAuthentication):
    """A person who signed in on a page. Writes need the CSRF token; requests without a session cookie pay nothing."""

    def authenticate(self, request: Any) -> tuple[Principal, RequestContext] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        result = super().authenticate(request)
        if result is None:
            return None
        user = result[0]
        scoped_user = self._standing(request, user)
        if scoped_user is None:
            return None
        context = context_of(scoped_user, request._request)
        _bind(context, scoped_user)
        return Principal(id=user.pk, name=user.name, is_staff=user.is_staff), context

    def _standing(self, request: Any, user: Any) -> ScopedUser | None:
        """Return the user's standing in the session's project, its default one or its first; else unscoped."""
        for project_id in (request._request.session.get("project_id"), user.default_project_id):
            if project_id:
                scoped_user = scopes.scoped_user(user_id=user.pk, scope=Scope.PROJECT, scope_id=project_id)
                if scoped_user is not None and scoped_user.is_valid(scoped_user.now):
                    return scoped_user
        first = next(iter(projects.of_user(user_id=user.pk)), None)
        scope = Scope.PROJECT if first else Scope.UNSCOPED
        scoped_user = scopes.scoped_user(user_id=user.pk, scope=scope, scope_id=first.pk if first else None)
        return scoped_user if scoped_user is not None and scoped_user.is_valid(scoped_user.now) else None
