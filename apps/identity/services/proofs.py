"""The methods of a request to sign in, each of which proves a user."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.contrib.auth import hashers
from django.utils import timezone

from apps.identity import multi_factor
from apps.identity.exceptions import Forbidden, Unauthorized
from apps.identity.models import ApplicationCredential, User
from apps.identity.payloads import Delegation, Payload
from apps.identity.selectors import application_credentials, users
from apps.identity.selectors import tokens as issued
from apps.identity.services import guards, passcodes, passwords
from apps.identity.states import Scope

log = structlog.get_logger("celerity.identity")
_COUNTED = ("password", "totp", "application credential")  # causes that guards records where it counts them


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
    passcode_user: Name | None = None
    passcode: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    credential: Name | None = None
    credential_user: Name | None = None
    secret: str | None = field(default=None, repr=False)
    scope: Scope | None = None
    target: Name | None = None
    trust_id: str | None = None
    remote_address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Who it is. A delegation brings its own scope (``project_id``), which the request cannot widen.

    ``user`` is None where the method read no row of it.
    """

    user_id: str
    user: User | None = None
    user_epoch: int
    methods: tuple[str, ...]
    parent: Payload | None = None
    delegation: Delegation | None = None
    project_id: str | None = None
    expires_by: int | None = None


def refuse(cause: str, request: SignIn, **details: Any) -> Unauthorized:
    """Return the one answer for every cause; the cause itself is for the log and the user's audit trail."""
    log.info("sign-in refused", cause=cause, remote_address=request.remote_address, **details)
    user = users.find(details["user_id"]) if details.get("user_id") and cause not in _COUNTED else None
    if user is not None:
        guards.refused(user, request.remote_address, cause)
    return Unauthorized()


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def may_sign_in(user: User) -> bool:
    """Return whether the user's own state lets it in; its domain is looked at with the scope."""
    return user.enabled and not has_expired(user)


def has_expired(user: User) -> bool:
    """Return whether the user's password has to be changed before it opens anything."""
    if user.options.get("ignore_password_expiry") is True:
        return False
    return user.password_expires_at is not None and user.password_expires_at <= timezone.now()


def find_user(named: Name | None) -> User | None:
    named = named or Name()
    if named.id is not None:
        return users.find(named.id)
    if named.name is not None:
        return users.by_name(name=named.name, domain_id=named.domain_id, domain_name=named.domain_name)
    return None


def by_password(request: SignIn) -> Proof:
    user = find_user(request.user)
    good = guards.verify(user=user, password=request.password or "", address=request.remote_address)
    if user is None or not good:
        raise refuse("password", request, user_id=user.pk if user else None)
    if not may_sign_in(user):
        raise refuse("disabled or expired", request, user_id=user.pk)
    return _proof_of(user, "password")


def by_passcode(request: SignIn) -> Proof:
    """TOTP: a second factor, good alone only where the user's rules say so."""
    user, given = find_user(request.passcode_user), request.passcode or ""
    good = guards.attempt(
        user=user,
        address=request.remote_address,
        what="totp",
        check=lambda: passcodes.matches(user=user, given=given),
    )
    if user is None or not good:
        raise refuse("totp", request, user_id=user.pk if user else None)
    if not may_sign_in(user):
        raise refuse("disabled or expired", request, user_id=user.pk)
    return _proof_of(user, "totp")


def _proof_of(user: User, method: str) -> Proof:
    return Proof(user_id=user.pk, user=user, user_epoch=microseconds(user.tokens_valid_after), methods=(method,))


def by_token(request: SignIn) -> Proof:
    """A trust's token makes no other; an application credential's stays what it is (OSSA 2014-018)."""
    token = issued.validate(request.token or "")
    if token is None:
        raise refuse("token", request)
    payload = token.payload
    if payload.delegation is not None and payload.delegation.kind == "trust":
        raise Forbidden("A token of a trust cannot make another token.")
    return Proof(
        user_id=payload.user_id,
        user_epoch=payload.user_epoch,
        methods=(*payload.methods, "token"),
        parent=payload,
        delegation=payload.delegation,
        project_id=payload.scope_id if payload.delegation is not None else None,
    )


def by_application_credential(request: SignIn) -> Proof:
    """A wrong secret counts for the user like a wrong password, and a locked user has no right ones."""
    credential = _credential(request)
    good = guards.attempt(
        user=credential.user if credential is not None else None,
        address=request.remote_address,
        what="application credential",
        check=lambda: _is_secret_of(credential, request.secret or ""),
    )
    if credential is None or not good:
        raise refuse("application credential", request, user_id=credential.user_id if credential else None)
    user = credential.user
    if not user.enabled:
        raise refuse("disabled", request, user_id=user.pk)
    expires = credential.expires_at
    return Proof(
        user_id=user.pk,
        user=user,
        user_epoch=microseconds(user.tokens_valid_after),
        methods=("application_credential",),
        delegation=Delegation(kind="application_credential", id=credential.pk),
        project_id=credential.project_id,
        expires_by=microseconds(expires) if expires is not None else None,
    )


def _is_secret_of(credential: ApplicationCredential | None, secret: str) -> bool:
    """Return whether it is the credential's secret; takes as long for none. Raises BadRequest for over-long ones."""
    passwords.refuse_overlong(secret)
    return hashers.verify_password(secret, credential.secret if credential is not None else passwords.nobody())[0]


def _credential(request: SignIn) -> ApplicationCredential | None:
    named = request.credential or Name()
    if named.id is not None:
        return application_credentials.find(named.id)
    user = find_user(request.credential_user)
    return application_credentials.by_name(user_id=user.pk, name=named.name or "") if user is not None else None


METHODS = {
    "password": by_password,
    "token": by_token,
    "application_credential": by_application_credential,
    "totp": by_passcode,
}


def prove(request: SignIn) -> Proof:
    """Check every method that is named; all must agree on who it is, and be enough for it. Raises Unauthorized."""
    found = []
    for method in request.methods:
        if method not in METHODS:
            raise refuse("unknown method", request)
        found.append(METHODS[method](request))
    if not found or len({proof.user_id for proof in found}) != 1:
        raise refuse("methods disagree", request)
    delegated = [proof for proof in found if proof.delegation is not None]
    if delegated and len(found) > 1:
        raise refuse("a delegation cannot be combined with other methods", request)
    methods = tuple(method for proof in found for method in proof.methods)
    _refuse_too_few(request, found, methods)
    if delegated:
        return found[0]
    parent = next((proof.parent for proof in found if proof.parent is not None), None)
    return Proof(user_id=found[0].user_id, user_epoch=found[0].user_epoch, methods=methods, parent=parent)


def _refuse_too_few(request: SignIn, found: list[Proof], methods: tuple[str, ...]) -> None:
    """Raise Unauthorized unless the methods, those of an older token included, are what the user's rules ask for."""
    user = next((proof.user for proof in found if proof.user is not None), None) or users.find(found[0].user_id)
    if user is None or not multi_factor.suffice(user.options, methods):
        raise refuse("too few methods", request, user_id=found[0].user_id)
    if "totp" in methods and len(found) > 1:
        guards.succeeded(user, methods, request.remote_address)
