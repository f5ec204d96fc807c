"""Signing in: the methods of a request prove one user, then a scope is chosen."""

import structlog

from apps.common import audit
from apps.identity.exceptions import Unauthorized
from apps.identity.payloads import Delegation
from apps.identity.selectors import domains, projects, scopes, users
from apps.identity.selectors.tokens import Token
from apps.identity.services import tokens, trusts
from apps.identity.services.proofs import Name, Proof, SignIn, may_sign_in, prove, refuse
from apps.identity.states import Scope

__all__ = ["Name", "SignIn", "may_sign_in", "sign_in"]
log = structlog.get_logger("celerity.identity")


def _target(request: SignIn) -> tuple[Scope, str | None]:
    """Return the scope that the request names. Raises Unauthorized when there is no such place."""
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
        found = domains.by_name(named.domain_name)
        domain_id = found.pk if found else None
    project = projects.by_name(name=named.name or "", domain_id=domain_id) if domain_id else None
    if project is None:
        raise refuse("no such project", request)
    return scope, project.pk


def _default_scope(proof: Proof) -> tuple[Scope, str | None]:
    """Return the user's default project where it may use it, else no scope."""
    plain = scopes.standing(user_id=proof.user_id, scope=Scope.UNSCOPED)
    if plain is not None and plain.default_project_id:
        there = scopes.standing(user_id=proof.user_id, scope=Scope.PROJECT, scope_id=plain.default_project_id)
        if there is not None and there.holds(there.now):
            return Scope.PROJECT, plain.default_project_id
    return Scope.UNSCOPED, None


def _scope(request: SignIn, proof: Proof) -> tuple[Scope, str | None]:
    """Return the scope of the new token. A delegation's own is the only one it has."""
    if proof.delegation is not None:
        if request.scope is not None and _target(request) != (Scope.PROJECT, proof.project_id):
            raise refuse("a delegation has its own scope", request, user_id=proof.user_id)
        return Scope.PROJECT, proof.project_id
    return _default_scope(proof) if request.scope is None else _target(request)


def _within(
    domain_id: str, request: SignIn, proof: Proof, scope: Scope, scope_id: str | None
) -> tuple[Scope, str | None]:
    """Return the scope, or none instead of a default project elsewhere. Raises Unauthorized for all else elsewhere."""
    user = users.find(proof.user_id)
    if user is None or user.domain_id != domain_id:
        raise refuse("another domain", request, user_id=proof.user_id)
    project = projects.find(scope_id or "") if scope is Scope.PROJECT else None
    if project is None or project.domain_id == domain_id:
        return scope, scope_id
    if request.scope is None and proof.delegation is None:
        return Scope.UNSCOPED, None
    raise refuse("another domain", request, user_id=proof.user_id)


def sign_in(request: SignIn, *, domain_id: str | None = None) -> tuple[str, Token]:
    """Return a new token; only for users and projects of ``domain_id`` where it is given, which v2.0 does.

    Raises Unauthorized (401), always the same; BadRequest (400) for over-long passwords; TooManyFailures (429) for an
    address that has to wait; Forbidden (403) for a trust that is not the caller's or is used up.
    """
    proof = prove(request)
    if request.trust_id is not None:
        return _told(request, proof, *_by_trust(request, proof))
    scope, scope_id = _scope(request, proof)
    if domain_id is not None:
        scope, scope_id = _within(domain_id, request, proof, scope, scope_id)
    try:
        text, token = tokens.issue(
            user_id=proof.user_id,
            user_epoch=proof.user_epoch,
            methods=proof.methods,
            scope=scope,
            scope_id=scope_id,
            parent=proof.parent,
            delegation=proof.delegation,
            expires_by=proof.expires_by,
        )
    except Unauthorized:
        raise refuse("scope", request, user_id=proof.user_id, scope=scope.value, scope_id=scope_id) from None
    return _told(request, proof, text, token)


def _by_trust(request: SignIn, proof: Proof) -> tuple[str, Token]:
    """Return a token of a trust for its trustee: nothing in it comes from the request but the trust's id."""
    if proof.delegation is not None:
        raise refuse("a delegation cannot use a trust", request, user_id=proof.user_id)
    trust = trusts.consume(trust_id=request.trust_id or "", trustee_id=proof.user_id)
    by = Delegation(kind="trust", id=trust.pk)
    user_id = trust.trustor_id if trust.impersonation else trust.trustee_id
    try:
        return tokens.issue_for_trust(
            user_id=user_id, trustee_epoch=proof.user_epoch, proof_methods=proof.methods, trust=trust, delegation=by,
            parent=proof.parent,
        )  # fmt: skip
    except Unauthorized:
        trusts.give_back(trust_id=trust.pk)
        raise refuse("trust", request, user_id=proof.user_id) from None


def _told(request: SignIn, proof: Proof, text: str, token: Token) -> tuple[str, Token]:
    payload, standing = token.payload, token.standing
    details: dict[str, object] = {
        "methods": list(payload.methods),
        "scope": payload.scope.value,
        "audit_id": payload.audit_chain[0],
    }
    given = standing.delegated
    if given is not None:
        details["credential"] = given.told()
    audit.record(
        "authenticate",
        "user",
        payload.user_id,
        details=details,
        user_id=proof.user_id,
        # A trust's token may be its trustor's; who signed in is the trustee.
        user_name=standing.user_name if proof.user_id == standing.user_id or given is None else given.other_name,
        project_id=(payload.scope_id or "") if payload.scope is Scope.PROJECT else "",
        address=request.remote_address,
    )
    return text, token
