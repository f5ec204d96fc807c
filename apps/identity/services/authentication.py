"""Signing in: the methods of a request prove one user, then a scope is chosen."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from apps.identity.exceptions import Unauthorized
from apps.identity.models import User
from apps.identity.payloads import Payload
from apps.identity.selectors import domains, projects, scopes, users
from apps.identity.selectors import tokens as issued
from apps.identity.selectors.tokens import Token
from apps.identity.services import passwords, tokens
from apps.identity.states import Scope

log = structlog.get_logger("celerity.identity")


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """Something named by its id, or by its name within a domain that is itself named either way."""

    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """What a request to sign in holds. ``scope`` None: the default project, or none."""

    methods: tuple[str, ...]
    user: Name | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    scope: Scope | None = None
    target: Name | None = None
    remote_address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    user_id: str
    user_epoch: int
    methods: tuple[str, ...]
    parent: Payload | None = None


def _refuse(cause: str, request: SignIn, **details: Any) -> Unauthorized:
    """Return the one answer for every cause; the cause itself is for the log only."""
    log.info("sign-in refused", cause=cause, remote_address=request.remote_address, **details)
    return Unauthorized()


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _by_password(request: SignIn) -> _Proof:
    named = request.user or Name()
    if named.id is not None:
        user = users.find(named.id)
    elif named.name is not None:
        user = users.by_name(name=named.name, domain_id=named.domain_id, domain_name=named.domain_name)
    else:
        user = None
    good = passwords.matches(user=user, password=request.password or "")
    if user is None or not good:
        raise _refuse("password", request, user_id=user.pk if user else None)
    if not may_sign_in(user):
        raise _refuse("disabled or expired", request, user_id=user.pk)
    return _Proof(user_id=user.pk, user_epoch=microseconds(user.tokens_valid_after), methods=("password",))


def may_sign_in(user: User) -> bool:
    """Return whether the user's own state lets it in; its domain is looked at with the scope."""
    expired = user.password_expires_at is not None and user.password_expires_at <= timezone.now()
    return user.enabled and not expired


def _by_token(request: SignIn) -> _Proof:
    token = issued.validate(request.token or "")
    if token is None:
        raise _refuse("token", request)
    payload = token.payload
    return _Proof(
        user_id=payload.user_id, user_epoch=payload.user_epoch, methods=(*payload.methods, "token"), parent=payload
    )


_METHODS = {"password": _by_password, "token": _by_token}


def _prove(request: SignIn) -> _Proof:
    """Check every method that is named; all must agree on who it is."""
    proofs = []
    for method in request.methods:
        if method not in _METHODS:
            raise _refuse("unknown method", request)
        proofs.append(_METHODS[method](request))
    if not proofs or len({proof.user_id for proof in proofs}) != 1:
        raise _refuse("methods disagree", request)
    methods = tuple(method for proof in proofs for method in proof.methods)
    parent = next((proof.parent for proof in proofs if proof.parent is not None), None)
    return _Proof(user_id=proofs[0].user_id, user_epoch=proofs[0].user_epoch, methods=methods, parent=parent)


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
            raise _refuse("no such domain", request)
        return scope, domain.pk
    domain_id = named.domain_id
    if domain_id is None and named.domain_name is not None:
        found = domains.by_name(named.domain_name)
        domain_id = found.pk if found else None
    project = projects.by_name(name=named.name or "", domain_id=domain_id) if domain_id else None
    if project is None:
        raise _refuse("no such project", request)
    return scope, project.pk


def _default_scope(proof: _Proof) -> tuple[Scope, str | None]:
    """Return the user's default project where it may use it, else no scope."""
    plain = scopes.standing(user_id=proof.user_id, scope=Scope.UNSCOPED)
    if plain is not None and plain.default_project_id:
        there = scopes.standing(user_id=proof.user_id, scope=Scope.PROJECT, scope_id=plain.default_project_id)
        if there is not None and there.holds(there.now):
            return Scope.PROJECT, plain.default_project_id
    return Scope.UNSCOPED, None


def sign_in(request: SignIn) -> tuple[str, Token]:
    """Return a new token. Raises Unauthorized (401), always the same, and BadRequest (400) for over-long passwords."""
    proof = _prove(request)
    scope, scope_id = _default_scope(proof) if request.scope is None else _target(request)
    try:
        text, token = tokens.issue(
            user_id=proof.user_id,
            user_epoch=proof.user_epoch,
            methods=proof.methods,
            scope=scope,
            scope_id=scope_id,
            parent=proof.parent,
        )
    except Unauthorized:
        raise _refuse("scope", request, user_id=proof.user_id, scope=scope.value, scope_id=scope_id) from None
    log.info(
        "signed in",
        user_id=proof.user_id,
        scope=scope.value,
        scope_id=scope_id,
        remote_address=request.remote_address,
        audit_id=token.payload.audit_chain[0],
    )
    return text, token
