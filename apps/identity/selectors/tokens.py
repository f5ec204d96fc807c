"""Validating tokens: at most one query."""

from dataclasses import dataclass

from django.conf import settings

from apps.identity import keys, payloads
from apps.identity.payloads import Payload
from apps.identity.selectors import scopes
from apps.identity.selectors.scopes import ScopedUser

MAX_TOKEN_LENGTH = 4096  # characters; ours have at most some 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A valid token: its payload, and its user's current state in the database."""

    payload: Payload
    scoped_user: ScopedUser


def validate(text: str, *, allow_expired: bool = False) -> Token | None:
    """Return the token, or None when it is malformed, tampered with, expired or revoked.

    Nothing but the decryption comes from a cache: user, domain, project, roles and revocations are read each time.
    ``allow_expired`` forgives an expiry not longer ago than ALLOW_EXPIRED_SECONDS, and nothing else.
    """
    if not 0 < len(text) <= MAX_TOKEN_LENGTH:
        return None
    try:
        payload = payloads.unpack(keys.open_token(text))
    except (keys.InvalidToken, payloads.Malformed):
        return None
    scoped_user = scopes.scoped_user(
        user_id=payload.user_id,
        scope=payload.scope,
        scope_id=payload.scope_id,
        audit_ids=payload.audit_chain,
        delegation=payload.delegation,
    )
    if scoped_user is None or scoped_user.user_epoch != payload.user_epoch:
        return None
    grace = settings.ALLOW_EXPIRED_SECONDS * 1_000_000 if allow_expired else 0
    if scoped_user.now >= payload.expires_at + grace or not _same_other(payload, scoped_user):
        return None
    return Token(payload=payload, scoped_user=scoped_user) if scoped_user.is_valid(payload.issued_at) else None


def _same_other(payload: Payload, scoped_user: ScopedUser) -> bool:
    """A trust's token dies with the password of either user."""
    given, held = payload.delegation, scoped_user.delegated
    return given is None or (held is not None and held.other_epoch == given.other_epoch)
