"""Signing in: authenticate the user, then choose the scope of the new token."""

import structlog

from apps.common import audit
from apps.identity.exceptions import Unauthorized
from apps.identity.payloads import Delegation
from apps.identity.selectors import domains, projects, scopes, users
from apps.identity.selectors.tokens import Token
from apps.identity.services import tokens, trusts
from apps.identity.services.auth_methods import Authenticated, AuthRequest, Name, authenticate, may_sign_in, refuse
from apps.identity.states import Scope

__all__ = ["AuthRequest", "Name", "may_sign_in", "sign_in"]
log = structlog.get_logger("celerity.identity")


def _target(request: AuthRequest) -> tuple[Scope, str | None]:
    """Return the scope that the request names. Raises Unauthorized when it does not exist."""
    scope, named = request.scope or Scope.UNSCOPED, request.target or Name()
    if scope in (Scope.UNSCOPED, Scope.SYSTEM):
        return scope, None
    if named.id is not None:
        return scope, named.id
    if scope is Scope.DOMAIN:
        domain = domains.by_name(named.name or "")
        if domain is None:
            raise refuse("no such domain", request)
        return scope, domain.pk
    domain_id = named.domain_id
    if domain_id is None and named.domain_name is not None:
        domain = domains.by_name(named.domain_name)
        domain_id = domain.pk if domain else None
    project = projects.by_name(name=named.name or "", domain_id=domain_id) if domain_id else None
    if project is None:
        raise refuse("no such project", request)
    return scope, project.pk


def _default_scope(authenticated: Authenticated) -> tuple[Scope, str | None]:
    """Return the user's default project if the user has a role there, else no scope."""
    unscoped = scopes.scoped_user(user_id=authenticated.user_id, scope=Scope.UNSCOPED)
    if unscoped is not None and unscoped.default_project_id:
        scoped = scopes.scoped_user(
            user_id=authenticated.user_id, scope=Scope.PROJECT, scope_id=unscoped.default_project_id
        )
        if scoped is not None and scoped.is_valid(scoped.now):
            return Scope.PROJECT, unscoped.default_project_id
    return Scope.UNSCOPED, None


def _scope(request: AuthRequest, authenticated: Authenticated) -> tuple[Scope, str | None]:
    """Return the scope of the new token. A delegated token keeps the delegation's scope."""
    if authenticated.delegation is not None:
        if request.scope is not None and _target(request) != (Scope.PROJECT, authenticated.project_id):
            raise refuse("a delegation has its own scope", request, user_id=authenticated.user_id)
        return Scope.PROJECT, authenticated.project_id
    return _default_scope(authenticated) if request.scope is None else _target(request)


def _within(
    domain_id: str, request: AuthRequest, authenticated: Authenticated, scope: Scope, scope_id: str | None
) -> tuple[Scope, str | None]:
    """Return the scope, or no scope if the default project is in another domain.

    Raises Unauthorized if the user, or a project that the request names, is in another domain.
    """
    user = users.find(authenticated.user_id)
    if user is None or user.domain_id != domain_id:
        raise refuse("another domain", request, user_id=authenticated.user_id)
    project = projects.find(scope_id or "") if scope is Scope.PROJECT else None
    if project is None or project.domain_id == domain_id:
        return scope, scope_id
    if request.scope is None and authenticated.delegation is None:
        return Scope.UNSCOPED, None
    raise refuse("another domain", request, user_id=authenticated.user_id)


def sign_in(request: AuthRequest, *, domain_id: str | None = None) -> tuple[str, Token]:
    """Return a new token. v2.0 gives ``domain_id``: users and projects of other domains are refused.

    Raises Unauthorized (401) with one text for all causes; BadRequest (400) for over-long passwords; TooManyFailures
    (429) for an address that must wait; Forbidden (403) for a trust that is another user's or used up.
    """
    authenticated = authenticate(request)
    if request.trust_id is not None:
        return _recorded(request, authenticated, *_by_trust(request, authenticated))
    scope, scope_id = _scope(request, authenticated)
    if domain_id is not None:
        scope, scope_id = _within(domain_id, request, authenticated, scope, scope_id)
    try:
        text, token = tokens.issue(
            user_id=authenticated.user_id,
            user_epoch=authenticated.user_epoch,
            methods=authenticated.methods,
            scope=scope,
            scope_id=scope_id,
            parent=authenticated.parent,
            delegation=authenticated.delegation,
            expires_by=authenticated.expires_by,
        )
    except Unauthorized:
        raise refuse("scope", request, user_id=authenticated.user_id, scope=scope.value, scope_id=scope_id) from None
    return _recorded(request, authenticated, text, token)


def _by_trust(request: AuthRequest, authenticated: Authenticated) -> tuple[str, Token]:
    """Return a token of a trust for its trustee. The request contributes nothing but the trust's ID."""
    if authenticated.delegation is not None:
        raise refuse("a delegation cannot use a trust", request, user_id=authenticated.user_id)
    trust = trusts.consume(trust_id=request.trust_id or "", trustee_id=authenticated.user_id)
    by = Delegation(kind="trust", id=trust.pk)
    user_id = trust.trustor_id if trust.impersonation else trust.trustee_id
    try:
        return tokens.issue_for_trust(
            user_id=user_id,
            trustee_epoch=authenticated.user_epoch,
            methods=authenticated.methods,
            trust=trust,
            delegation=by,
            parent=authenticated.parent,
        )
    except Unauthorized:
        trusts.give_back(trust_id=trust.pk)
        raise refuse("trust", request, user_id=authenticated.user_id) from None


def _recorded(request: AuthRequest, authenticated: Authenticated, text: str, token: Token) -> tuple[str, Token]:
    payload, scoped_user = token.payload, token.scoped_user
    details: dict[str, object] = {
        "methods": list(payload.methods),
        "scope": payload.scope.value,
        "audit_id": payload.audit_chain[0],
    }
    delegated, name = scoped_user.delegated, scoped_user.user_name
    if delegated is not None:
        details["credential"] = delegated.described()
        if authenticated.user_id != scoped_user.user_id:  # a trust that impersonates: the trustee signed in
            name = delegated.other_name
    audit.record(
        "authenticate",
        "user",
        payload.user_id,
        details=details,
        user_id=authenticated.user_id,
        user_name=name,
        project_id=(payload.scope_id or "") if payload.scope is Scope.PROJECT else "",
        address=request.remote_address,
    )
    return text, token
