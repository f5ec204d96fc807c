"""Tokens for requests that an EC2 key has signed, as a service asks for them (AWS Signature Version 4)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog
from django.conf import settings
from django.utils import timezone

from apps.common import audit
from apps.identity.exceptions import Unauthorized
from apps.identity.payloads import Delegation
from apps.identity.selectors import credentials as credential_selectors
from apps.identity.selectors.tokens import Token
from apps.identity.services import credentials, signatures, tokens
from apps.identity.services.auth_methods import microseconds
from apps.identity.states import Scope

log = structlog.get_logger("celerity.identity")
ALGORITHM = "AWS4-HMAC-SHA256"
READING = ("Describe", "Get", "List")  # how the actions of AWS that change nothing begin
_NOBODY = "0" * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRequest:
    """The request that was signed, as the service received it. Header names are in lower case."""

    access: str
    signature: str = field(repr=False)
    verb: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body_hash: str

    @property
    def only_reads(self) -> bool:
        """Return whether the request, as it was signed, changes nothing.

        EC2 names its action in the query. A body is not handed in, so that a POST without it may do anything.
        """
        action = self.params.get("Action", "")
        return action.startswith(READING) if action else self.verb.upper() in ("GET", "HEAD")


def _parts(authorization: str) -> dict[str, str]:
    """Return Credential, SignedHeaders and Signature of an Authorization header. Raises Unauthorized."""
    scheme, _, rest = authorization.partition(" ")
    if scheme != ALGORITHM:
        raise Unauthorized
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return {name: value for name, _, value in pairs}


def _moment(request: SignedRequest) -> datetime:
    """Return when the request was signed. Raises Unauthorized when that is not now, give or take the allowed age.

    Only the signed header counts: a presigned URL carries its date in the query and gives no token (OSSA 2025-002).
    """
    try:
        signed = datetime.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Unauthorized from None
    if abs(timezone.now() - signed) > timedelta(seconds=settings.EC2_SIGNATURE_SECONDS):
        raise Unauthorized
    return signed


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def canonical(request: SignedRequest, signed_headers: list[str]) -> str:
    """Return the canonical request (AWS General Reference, Signature Version 4)."""
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(request.params.items()))
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed_headers)
    return "\n".join((request.verb.upper(), request.path, query, headers, ";".join(signed_headers), request.body_hash))


def signature_of(secret: str, scope: str, moment: datetime, text: str) -> str:
    """Return the signature. ``scope``: date/region/service/aws4_request."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    hashed = hashlib.sha256(text.encode()).hexdigest()
    string = "\n".join((ALGORITHM, moment.strftime("%Y%m%dT%H%M%SZ"), scope, hashed))
    return hmac.new(key, string.encode(), hashlib.sha256).hexdigest()


def _check(request: SignedRequest, secret: str) -> None:
    """Raise Unauthorized unless the signature is this secret's over this request, host and date included."""
    parts = _parts(request.headers.get("authorization", ""))
    access, _, scope = parts.get("Credential", "").partition("/")
    names = parts.get("SignedHeaders", "").lower().split(";")
    moment = _moment(request)
    if access != request.access or not scope.endswith("/aws4_request") or scope.count("/") != 3:
        raise Unauthorized
    if not {"host", "x-amz-date"} <= set(names) or not scope.startswith(moment.strftime("%Y%m%d")):
        raise Unauthorized
    wanted = signature_of(secret, scope, moment, canonical(request, names))
    given = (request.signature.encode(), parts.get("Signature", "").encode())
    if not all(hmac.compare_digest(wanted.encode(), text) for text in given):
        raise Unauthorized


def _use_once(signature: str) -> None:
    """Raise Unauthorized when this signature has given a token before (OSSA 2020-003).

    Two equal requests within a second have one signature: reads may repeat while it is fresh.
    """
    if not signatures.use_once(signature, lasts=timedelta(seconds=2 * settings.EC2_SIGNATURE_SECONDS)):
        raise Unauthorized


def issue(request: SignedRequest) -> tuple[str, Token]:
    """Return a token of the key's user for the key's project, with its current roles there.

    Raises Unauthorized (401), the same for every cause. User, project and roles are read again (OSSA 2012-018).
    """
    credential = credential_selectors.ec2(request.access)
    secret = credentials.ec2_parts(credential)[1] if credential is not None else _NOBODY
    _check(request, secret)
    if credential is None:
        raise Unauthorized
    if not request.only_reads:
        _use_once(request.signature)
    made_with = credential.application_credential_id
    text, token = tokens.issue(
        user_id=credential.user_id,
        user_epoch=microseconds(credential.user.tokens_valid_after),
        methods=("ec2credential",),
        scope=Scope.PROJECT,
        scope_id=credential.project_id,
        delegation=Delegation(kind="application_credential", id=made_with) if made_with else None,
    )
    details: dict[str, Any] = {
        "methods": ["ec2credential"],
        "for_user": credential.user_id,
        "ec2_credential": credential.pk,
    }
    audit.record("authenticate", "user", credential.user_id, details=details)
    return text, token
