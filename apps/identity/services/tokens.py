"""Issuing tokens, and ending them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.common import audit
from apps.identity import keys, payloads
from apps.identity.exceptions import Unauthorized
from apps.identity.models import Revocation, Trust
from apps.identity.payloads import Delegation, Payload
from apps.identity.selectors import scopes
from apps.identity.selectors.tokens import Token
from apps.identity.states import MAX_RESCOPES, Scope


def issue(
    *,
    user_id: str,
    user_epoch: int,
    methods: tuple[str, ...],
    scope: Scope,
    scope_id: str | None = None,
    parent: Payload | None = None,
    delegation: Delegation | None = None,
    expires_by: int | None = None,
) -> tuple[str, Token]:
    """Return a new token's text and content.

    ``user_epoch`` was read at authentication, so a concurrent change of the password makes the token invalid. A token
    made from ``parent`` keeps its expiry and dies with it; none outlives ``expires_by`` (µs). Raises Unauthorized when
    the user has no role in the scope, or anything there is disabled.
    """
    chain = parent.audit_chain if parent is not None else ()
    scoped_user = scopes.scoped_user(
        user_id=user_id, scope=scope, scope_id=scope_id, audit_ids=chain, delegation=delegation
    )
    if scoped_user is None or scoped_user.user_epoch != user_epoch or not scoped_user.is_valid(scoped_user.now):
        raise Unauthorized
    if len(chain) >= MAX_RESCOPES:
        raise Unauthorized
    payload = Payload(
        user_id=user_id,
        methods=tuple(name for name in payloads.METHODS if name in methods),
        scope=scope,
        scope_id=scope_id,
        issued_at=scoped_user.now,
        expires_at=_expiry(scoped_user.now, parent, expires_by),
        user_epoch=user_epoch,
        audit_chain=(payloads.new_audit_id(), *chain),
        delegation=delegation,
    )
    return keys.seal(payloads.pack(payload)), Token(payload=payload, scoped_user=scoped_user)


def _expiry(now: int, parent: Payload | None, expires_by: int | None) -> int:
    own = parent.expires_at if parent is not None else now + settings.TOKEN_LIFETIME_SECONDS * 1_000_000
    return min(own, expires_by) if expires_by is not None else own


def issue_for_trust(
    *,
    user_id: str,
    trustee_epoch: int,
    methods: tuple[str, ...],
    trust: Trust,
    delegation: Delegation,
    parent: Payload | None,
) -> tuple[str, Token]:
    """Return a token of a trust. The trustee's epoch was read at authentication, the trustor's is read now.

    Raises Unauthorized (401) if either user, the project or one of the roles changed.
    """
    scoped_user = scopes.scoped_user(
        user_id=user_id, scope=Scope.PROJECT, scope_id=trust.project_id, delegation=delegation
    )
    if scoped_user is None or scoped_user.delegated is None:
        raise Unauthorized
    impersonates = user_id != trust.trustee_id
    proved, other = scoped_user.user_epoch, scoped_user.delegated.other_epoch
    if (other if impersonates else proved) != trustee_epoch:
        raise Unauthorized
    expires = trust.expires_at
    return issue(
        user_id=user_id,
        user_epoch=scoped_user.user_epoch,
        methods=methods,
        scope=Scope.PROJECT,
        scope_id=trust.project_id,
        parent=parent,
        delegation=replace(delegation, other_epoch=other),
        expires_by=int(expires.timestamp() * 1_000_000) if expires is not None else None,
    )


@transaction.atomic
def revoke(*, payload: Payload) -> None:
    """End a token and all that were made from it, for every process at once."""
    # By the database's clock, which decides on expiry; ?allow_expired=1 shows tokens for a while longer.
    shown_for = timedelta(seconds=max(settings.ALLOW_EXPIRED_SECONDS, 0))
    Revocation.objects.filter(expires_at__lt=Now() - shown_for).delete()
    Revocation.objects.bulk_create(
        [
            Revocation(
                audit_id=payload.audit_chain[0],
                user_id=payload.user_id,
                expires_at=datetime.fromtimestamp(payload.expires_at / 1_000_000, tz=UTC),
            )
        ],
        ignore_conflicts=True,
    )
    audit.record("revoke", "token", payload.audit_chain[0], details={"user": payload.user_id})
