"""Authentication methods: password, TOTP passcode, token, application credential."""

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
from apps.identity.selectors import tokens as token_selectors
from apps.identity.services import passcodes, passwords, throttling
from apps.identity.states import Scope

log = structlog.get_logger("celerity.identity")
_COUNTED = ("password", "totp", "application credential")  # causes that throttling records itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """Something named by its id, or by its name within a domain that is itself named either way."""

    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthRequest:
    """A parsed authentication request. ``scope`` None means the user's default project, or no scope."""

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
class Authenticated:
    """The user that a method authenticated. A delegation brings its own scope (``project_id``), which the request
    cannot widen.

    ``user`` is None when the method did not read the user's row.
    """

    user_id: str
    user: User | None = None
    user_epoch: int
    methods: tuple[str, ...]
    parent: Payload | None = None
    delegation: Delegation | None = None
    project_id: str | None = None
    expires_by: int | None = None


def refuse(cause: str, request: AuthRequest, **details: Any) -> Unauthorized:
    """Return the same error for every cause. The cause goes to the log and the user's audit trail only."""
    log.info("sign-in refused", cause=cause, remote_address=request.remote_address, **details)
    user = users.find(details["user_id"]) if details.get("user_id") and cause not in _COUNTED else None
    if user is not None:
        throttling.refused(user, request.remote_address, cause)
    return Unauthorized()


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def may_sign_in(user: User) -> bool:
    """Return whether the user is enabled and its password has not expired. The scope query checks its domain."""
    return user.enabled and not has_expired(user)


def has_expired(user: User) -> bool:
    """Return whether the user must change its password before it can sign in."""
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


def by_password(request: AuthRequest) -> Authenticated:
    user = find_user(request.user)
    good = throttling.verify(user=user, password=request.password or "", address=request.remote_address)
    if user is None or not good:
        raise refuse("password", request, user_id=user.pk if user else None)
    if not may_sign_in(user):
        raise refuse("disabled or expired", request, user_id=user.pk)
    return _authenticated_by(user, "password")


def by_passcode(request: AuthRequest) -> Authenticated:
    """Authenticate by TOTP, a second factor. It suffices alone only if the user's rules allow it."""
    user, given = find_user(request.passcode_user), request.passcode or ""
    good = throttling.attempt(
        user=user,
        address=request.remote_address,
        what="totp",
        check=lambda: passcodes.matches(user=user, given=given),
    )
    if user is None or not good:
        raise refuse("totp", request, user_id=user.pk if user else None)
    if not may_sign_in(user):
        raise refuse("disabled or expired", request, user_id=user.pk)
    return _authenticated_by(user, "totp")


def _authenticated_by(user: User, method: str) -> Authenticated:
    epoch = microseconds(user.tokens_valid_after)
    return Authenticated(user_id=user.pk, user=user, user_epoch=epoch, methods=(method,))


def by_token(request: AuthRequest) -> Authenticated:
    """Authenticate by token. A trust's token cannot be exchanged; an application credential's keeps its delegation
    (OSSA 2014-018).
    """
    token = token_selectors.validate(request.token or "")
    if token is None:
        raise refuse("token", request)
    payload = token.payload
    if payload.delegation is not None and payload.delegation.kind == "trust":
        raise Forbidden("A token of a trust cannot make another token.")
    return Authenticated(
        user_id=payload.user_id,
        user_epoch=payload.user_epoch,
        methods=(*payload.methods, "token"),
        parent=payload,
        delegation=payload.delegation,
        project_id=payload.scope_id if payload.delegation is not None else None,
    )


def by_application_credential(request: AuthRequest) -> Authenticated:
    """Authenticate by application credential. A wrong secret counts as a failed sign-in; a locked user is refused."""
    credential = _credential(request)
    good = throttling.attempt(
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
    return Authenticated(
        user_id=user.pk,
        user=user,
        user_epoch=microseconds(user.tokens_valid_after),
        methods=("application_credential",),
        delegation=Delegation(kind="application_credential", id=credential.pk),
        project_id=credential.project_id,
        expires_by=microseconds(expires) if expires is not None else None,
    )


def _is_secret_of(credential: ApplicationCredential | None, secret: str) -> bool:
    """Compare the secret, in equal time if there is no credential. Raises BadRequest (400) for over-long secrets."""
    passwords.refuse_overlong(secret)
    return hashers.verify_password(secret, credential.secret if credential is not None else passwords.nobody())[0]


def _credential(request: AuthRequest) -> ApplicationCredential | None:
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


def authenticate(request: AuthRequest) -> Authenticated:
    """Run every requested method. All must authenticate the same user and satisfy its rules. Raises Unauthorized."""
    results = []
    for method in request.methods:
        if method not in METHODS:
            raise refuse("unknown method", request)
        results.append(METHODS[method](request))
    if not results or len({result.user_id for result in results}) != 1:
        raise refuse("methods disagree", request)
    delegated = [result for result in results if result.delegation is not None]
    if delegated and len(results) > 1:
        raise refuse("a delegation cannot be combined with other methods", request)
    methods = tuple(method for result in results for method in result.methods)
    _refuse_too_few(request, results, methods)
    if delegated:
        return results[0]
    parent = next((result.parent for result in results if result.parent is not None), None)
    return Authenticated(user_id=results[0].user_id, user_epoch=results[0].user_epoch, methods=methods, parent=parent)


def _refuse_too_few(request: AuthRequest, results: list[Authenticated], methods: tuple[str, ...]) -> None:
    """Raise Unauthorized unless the methods, including those of an older token, satisfy the user's rules."""
    rows = (result.user for result in results if result.user is not None)
    user = next(rows, None) or users.find(results[0].user_id)
    if user is None or not multi_factor.suffice(user.options, methods):
        raise refuse("too few methods", request, user_id=results[0].user_id)
    if "totp" in methods and len(results) > 1:
        throttling.succeeded(user, methods, request.remote_address)
