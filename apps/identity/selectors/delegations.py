"""A token's application credential or trust, as its statement read it (sql/delegations.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.identity.payloads import Delegation


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
        """Return its description for the audit trail: type and ID, and for a trust both users."""
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
