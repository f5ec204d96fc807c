"""A user in a scope: one statement reads everything that a token's validity depends on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.identity.payloads import Delegation
from apps.identity.selectors import delegations
from apps.identity.selectors.delegations import Delegated
from apps.identity.sql import scopes as sql
from apps.identity.states import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainOrProject:
    """A domain or a project. ``valid_after`` (µs): tokens issued before are dead."""

    id: str
    name: str
    enabled: bool
    valid_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopedUser:
    """A user in a scope, as the database has it now. ``roles`` are (id, name), implied ones included."""

    user_id: str
    user_name: str
    user_enabled: bool
    user_epoch: int
    password_expires_at: Any
    default_project_id: str | None
    user_domain: DomainOrProject
    scope: Scope
    target: DomainOrProject | None
    target_is_domain: bool
    target_domain: DomainOrProject | None
    roles: tuple[tuple[str, str], ...]
    revoked: bool
    now: int
    delegated: Delegated | None = None

    @property
    def role_names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.roles)

    def is_valid(self, issued_at: int) -> bool:
        """Return whether a token of this scope, issued at ``issued_at`` (µs), is good."""
        places = [place for place in (self.user_domain, self.target, self.target_domain) if place is not None]
        if self.revoked or not self.user_enabled or not all(place.enabled for place in places):
            return False
        if any(issued_at < place.valid_after for place in places):
            return False
        if self.delegated is not None and not self.delegated.is_valid(issued_at):
            return False
        if self.scope is Scope.UNSCOPED:
            return True
        return bool(self.roles) and (self.scope is Scope.SYSTEM or self._target_fits)

    @property
    def _target_fits(self) -> bool:
        """A domain's id is no project's scope, nor the other way round."""
        return self.target is not None and (self.scope is Scope.DOMAIN) == self.target_is_domain


def _domain_or_project(columns: Sequence[Any]) -> DomainOrProject | None:
    if columns[0] is None:
        return None
    return DomainOrProject(id=columns[0], name=columns[1], enabled=columns[2], valid_after=columns[3] or 0)


def _ask(user_id: str, scope: Scope, scope_id: str | None, audit_ids: Sequence[str], by: Delegation | None) -> Any:
    """Return the one row, or None."""
    values = {"user": user_id, "scope": scope_id, "audit_ids": list(audit_ids), "by": by.id if by else None}
    rows = sql.of_scope(scope, by.kind if by else "").fetch(values)
    return rows[0] if rows else None


def scoped_user(
    *,
    user_id: str,
    scope: Scope,
    scope_id: str | None = None,
    audit_ids: Sequence[str] = (),
    delegation: Delegation | None = None,
) -> ScopedUser | None:
    """Return the user's standing in a scope, in one query; None when there is no such user."""
    row = _ask(user_id, scope, scope_id, audit_ids, delegation)
    if row is None:
        return None
    user_domain = _domain_or_project(row[5:9])
    assert user_domain is not None  # the statement joins it
    return ScopedUser(
        user_id=user_id,
        user_name=row[0],
        user_enabled=row[1],
        password_expires_at=row[2],
        default_project_id=row[3],
        user_epoch=row[4],
        user_domain=user_domain,
        scope=scope,
        target=_domain_or_project(row[9:13]),
        target_is_domain=bool(row[13]),
        target_domain=_domain_or_project(row[14:18]),
        roles=tuple((role[0], role[1]) for role in row[18]),
        revoked=row[19],
        now=row[20],
        delegated=delegations.read(delegation, row[21:]) if delegation is not None else None,
    )
