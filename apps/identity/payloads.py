"""A token's payload: user, methods, scope, times, and its audit chain."""

import base64
import re
import uuid
from dataclasses import dataclass
from typing import Any

import msgpack

from apps.identity.states import Scope

PLAIN, DELEGATED = 1, 2  # versions: without and with a delegation
METHODS = ("password", "token", "application_credential", "trust", "totp", "ec2credential")  # a bit each, in this order
KINDS = ("application_credential", "trust")
SCOPES = (Scope.UNSCOPED, Scope.PROJECT, Scope.DOMAIN, Scope.SYSTEM)
_HEX = re.compile(r"^[0-9a-f]{32}$")


class Malformed(ValueError):
    """The bytes are no payload of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """The delegation of a token. ``other_epoch``: the epoch of a trust's other user, 0 where there is none."""

    kind: str
    id: str
    other_epoch: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """Times are microseconds since 1970.

    ``user_epoch`` is the user's ``tokens_valid_after`` when the password was checked. ``audit_chain`` names the token
    itself first, then its parent, and so on to the token that began with a password.
    """

    user_id: str
    methods: tuple[str, ...]
    scope: Scope
    scope_id: str | None
    issued_at: int
    expires_at: int
    user_epoch: int
    audit_chain: tuple[str, ...]
    delegation: Delegation | None = None

    @property
    def audit_ids(self) -> list[str]:
        """Return the audit IDs of the token document: its own, and the first one of its chain."""
        return [self.audit_chain[0]] if len(self.audit_chain) == 1 else [self.audit_chain[0], self.audit_chain[-1]]


def new_audit_id() -> str:
    return _audit_text(uuid.uuid4().bytes)


def _audit_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _audit_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _id_out(value: str | None) -> bytes | str | None:
    """Sixteen bytes instead of 32 digits: tokens travel in every request."""
    return bytes.fromhex(value) if value is not None and _HEX.match(value) else value


def _id_in(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, str):
        return value
    raise Malformed


def pack(payload: Payload) -> bytes:
    given = payload.delegation
    document = (
        PLAIN if given is None else DELEGATED,
        _id_out(payload.user_id),
        sum(1 << METHODS.index(method) for method in payload.methods),
        SCOPES.index(payload.scope),
        _id_out(payload.scope_id),
        payload.issued_at,
        payload.expires_at,
        payload.user_epoch,
        [_audit_bytes(audit_id) for audit_id in payload.audit_chain],
        *((KINDS.index(given.kind), _id_out(given.id), given.other_epoch) if given is not None else ()),
    )
    return bytes(msgpack.packb(document))


def _delegation(parts: list[Any]) -> Delegation:
    kind, pk, other_epoch = parts
    key = _id_in(pk)
    if key is None:
        raise Malformed
    return Delegation(kind=KINDS[kind], id=key, other_epoch=int(other_epoch))


def unpack(raw: bytes) -> Payload:
    """Return the payload in ``raw``. Raises Malformed."""
    try:
        version, user, methods, scope, scope_id, issued, expires, epoch, chain, *given = msgpack.unpackb(raw)
        user_id = _id_in(user)
        if version not in (PLAIN, DELEGATED) or (version == DELEGATED) != bool(given) or user_id is None or not chain:
            raise Malformed
        return Payload(
            user_id=user_id,
            methods=tuple(name for bit, name in enumerate(METHODS) if methods & (1 << bit)),
            scope=SCOPES[scope],
            scope_id=_id_in(scope_id),
            issued_at=int(issued),
            expires_at=int(expires),
            user_epoch=int(epoch),
            audit_chain=tuple(_audit_text(entry) for entry in chain),
            delegation=_delegation(given) if given else None,
        )
    except Malformed:
        raise
    except Exception as error:
        raise Malformed from error
