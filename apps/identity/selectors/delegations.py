"""The part of a token's one statement that asks after an application credential or a trust ($4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.identity.payloads import Delegation

MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"

# The roles that were given, and what they imply. All must still be held by who gives them, or nothing is left.
_GIVEN = """,
    given(role_id) AS (
        SELECT role_id FROM {table} WHERE {column} = $4
      UNION
        SELECT i.implied_id FROM given JOIN identity_impliedrole i ON i.prior_id = given.role_id
    )"""
_COMPLETE = "NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = $4 AND role_id NOT IN (SELECT role_id FROM held))"
_UNEXPIRED = "(d.expires_at IS NULL OR d.expires_at > statement_timestamp())"

_CREDENTIAL = {"table": "identity_applicationcredential_roles", "column": "applicationcredential_id"}
_CREDENTIAL_COLUMNS = """,
       d.id IS NOT NULL AND {unexpired} AND {complete},
       d.name, d.unrestricted,
       ARRAY(SELECT ARRAY[ar.service, ar.method, ar.path, ar.id] FROM identity_accessrule ar
             JOIN identity_applicationcredential_access_rules l ON l.accessrule_id = ar.id
             WHERE l.applicationcredential_id = $4 ORDER BY ar.id),
       NULL::text, NULL::text, 0::bigint, 0::bigint, false, ''"""
_CREDENTIAL_JOINS = """
LEFT JOIN identity_applicationcredential d ON d.id = $4 AND d.user_id = $1 AND d.project_id = $2"""

_TRUST = {"table": "identity_trust_roles", "column": "trust_id"}
_TRUST_COLUMNS = """,
       d.id IS NOT NULL AND {unexpired} AND o.enabled AND od.enabled AND {complete},
       '', false, ARRAY[]::text[],
       d.trustor_id, d.trustee_id, coalesce({epoch}, 0), coalesce({domain_after}, 0), d.impersonation, o.name"""
# Whom a token is of follows from the trust alone: the trustor where it impersonates, else the trustee.
_TRUST_JOINS = """
LEFT JOIN identity_trust d ON d.id = $4 AND d.project_id = $2
     AND $1 = CASE WHEN d.impersonation THEN d.trustor_id ELSE d.trustee_id END
LEFT JOIN identity_user o ON o.id = CASE WHEN d.impersonation THEN d.trustee_id ELSE d.trustor_id END
LEFT JOIN identity_project od ON od.id = o.domain_id"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Pieces of SQL: who holds the roles, what was given of them, more columns and more joins."""

    holder: str = "$1"
    given: str = ""
    columns: str = ""
    joins: str = ""


PARTS = {
    "": Parts(),
    "application_credential": Parts(
        given=_GIVEN.format(**_CREDENTIAL),
        columns=_CREDENTIAL_COLUMNS.format(unexpired=_UNEXPIRED, complete=_COMPLETE.format(**_CREDENTIAL)),
        joins=_CREDENTIAL_JOINS,
    ),
    "trust": Parts(
        holder="(SELECT trustor_id FROM identity_trust WHERE id = $4)",
        given=_GIVEN.format(**_TRUST),
        columns=_TRUST_COLUMNS.format(
            unexpired=_UNEXPIRED,
            complete=_COMPLETE.format(**_TRUST),
            epoch=MICROSECONDS.format("o.tokens_valid_after"),
            domain_after=MICROSECONDS.format("od.tokens_valid_after"),
        ),
        joins=_TRUST_JOINS,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegated:
    """A delegation as the database has it now. ``alive``: there, not expired, every role still held by its giver.

    ``access_rules`` are (service, method, path, id). ``other_epoch`` and ``other_valid_after`` (µs) are of the trust's
    other user and of that one's domain, ``other_name`` is that user's. The other user is the trustee where the trust
    impersonates, else the trustor.
    """

    kind: str
    id: str
    alive: bool
    name: str
    unrestricted: bool
    impersonation: bool
    access_rules: tuple[tuple[str, str, str, str], ...]
    trustor_id: str | None
    trustee_id: str | None
    other_epoch: int
    other_valid_after: int
    other_name: str = ""

    def described(self) -> dict[str, str]:
        """Return what the audit trail says of it: which one it is, and of a trust who gave it to whom."""
        if self.kind != "trust":
            return {"type": self.kind, "id": self.id, "name": self.name}
        users = {"trustor": self.trustor_id or "", "trustee": self.trustee_id or ""}
        named = {"trustee_name": self.other_name} if self.impersonation else {"trustor_name": self.other_name}
        return {"type": self.kind, "id": self.id, **users, **named}

    def is_valid(self, issued_at: int) -> bool:
        return self.alive and issued_at >= self.other_valid_after


def read(delegation: Delegation, columns: Sequence[Any]) -> Delegated:
    alive, name, unrestricted, rules, trustor_id, trustee_id, epoch, valid_after, impersonation, other_name = columns
    return Delegated(
        kind=delegation.kind,
        id=delegation.id,
        alive=bool(alive),
        name=name or "",
        unrestricted=bool(unrestricted),
        impersonation=bool(impersonation),
        access_rules=tuple((rule[0], rule[1], rule[2], rule[3]) for rule in rules),
        trustor_id=trustor_id,
        trustee_id=trustee_id,
        other_epoch=epoch,
        other_valid_after=valid_after,
        other_name=other_name or "",
    )
