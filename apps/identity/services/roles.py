"""Writing roles and implications."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, NotFound
from apps.identity.models import ImpliedRole, Role
from apps.identity.selectors import domains, roles
from apps.identity.services import row_writes

NEVER_IMPLIED = ("admin",)  # Keystone's prohibited_implied_role


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Role:
    domain_id = values.get("domain_id")
    role = Role(name=values["name"], domain=domains.get(domain_id) if domain_id else None)
    row_writes.merge(role, values, ("description", "options", "extra"))
    with row_writes.unique("role", f"name {role.name}"):
        role.save(force_insert=True)
    audit.record("create", "role", role.pk, details={"name": role.name})
    return role


@transaction.atomic
def update(*, role_id: str, changes: Mapping[str, Any]) -> Role:
    role = locks.row(Role.objects.all(), role_id)
    if role is None:
        raise NotFound(noun="role", id=role_id[:64])
    row_writes.refuse_immutable("role", role, changes)
    if changes.get("domain_id", role.domain_id) != role.domain_id:
        raise Invalid(field="domain_id", reason="it cannot be changed")
    row_writes.merge(role, changes, ("name", "description", "options", "extra"))
    with row_writes.unique("role", f"name {role.name}"):
        role.save()
    audit.record("update", "role", role.pk, details={"changed": sorted(changes)})
    return role


@transaction.atomic
def delete(*, role_id: str) -> None:
    """Delete a role with all its assignments."""
    role = locks.row(Role.objects.all(), role_id)
    if role is None:
        raise NotFound(noun="role", id=role_id[:64])
    row_writes.refuse_immutable("role", role)
    role.delete()
    audit.record("delete", "role", role_id)


@transaction.atomic
def imply(*, prior_id: str, implied_id: str) -> tuple[Role, Role]:
    """Let a role contain another one.

    Raises Forbidden (403) for admin as the implied role, and for a global role that would imply a domain's role.
    """
    prior, implied = roles.get(prior_id), roles.get(implied_id)
    if implied.name in NEVER_IMPLIED:
        raise Forbidden(f"The role {implied.pk} cannot be an implied role.")
    if prior.domain_id is None and implied.domain_id is not None:
        raise Forbidden("A global role cannot imply a domain-specific role.")
    if prior.pk == implied.pk:
        raise Invalid(field="implied_role_id", reason="a role does not imply itself")
    ImpliedRole.objects.get_or_create(prior=prior, implied=implied)
    audit.record("imply", "role", prior.pk, details={"implied": implied.pk})
    return prior, implied


@transaction.atomic
def unimply(*, prior_id: str, implied_id: str) -> None:
    """Raises NotFound when there is no such implication."""
    removed, _ = ImpliedRole.objects.filter(prior_id=prior_id, implied_id=implied_id).delete()
    if not removed:
        raise NotFound(noun="implied role", id=implied_id[:64])
    audit.record("unimply", "role", prior_id, details={"implied": implied_id})
