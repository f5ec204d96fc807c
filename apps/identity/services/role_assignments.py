"""Giving roles and taking them away."""

from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity.exceptions import Duplicate, Forbidden, Invalid, NotFound
from apps.identity.models import Domain, Group, Project, Role, RoleAssignment, User
from apps.identity.selectors import role_assignments


@transaction.atomic
def grant(
    *,
    role: Role,
    actor: User | Group,
    target: Project | Domain | None,
    inherited: bool = False,
    once: bool = False,
) -> None:
    """Give ``actor`` the role on ``target`` (None: the system).

    As in Keystone, raises Forbidden when a domain's role is given on a project of another domain, and Invalid (400)
    when it is given on the system; on another domain it stands for the roles that it implies. With ``once`` raises
    Duplicate (409) when the actor has the role already.
    """
    if role.domain_id is not None:
        if target is None:
            raise Invalid(
                field="role_id", reason=f"role {role.pk} is a role of a domain: it has no power on the system"
            )
        if not target.is_domain and target.domain_id != role.domain_id:
            raise Forbidden("A role of a domain can only be assigned on projects of this domain.")
    row = {**columns(actor=actor, target=target), "role_id": role.pk, "inherited": inherited}
    _, is_new = RoleAssignment.objects.get_or_create(**row)
    if once and not is_new:
        raise Duplicate(noun="role grant", what=f"role {role.pk}")
    _audit("grant", role, actor, target, inherited)


@transaction.atomic
def revoke(*, role: Role, actor: User | Group, target: Project | Domain | None, inherited: bool = False) -> None:
    """Take the role away; the next request with a live token lacks it. Raises NotFound when it was not given.

    A second removal finds nothing and gives nothing (OSSA 2013-028).
    """
    rows = role_assignments.rows_of(**columns(actor=actor, target=target), role_id=role.pk, inherited=inherited)
    removed, _ = rows.delete()
    if not removed:
        raise NotFound(noun="role assignment", id=role.pk)
    _audit("revoke", role, actor, target, inherited)


def _audit(verb: str, role: Role, actor: User | Group, target: Project | Domain | None, inherited: bool) -> None:
    details = {"role": role.name, "on": target.pk if target is not None else "system", "inherited": inherited}
    audit.record(verb, "user" if isinstance(actor, User) else "group", actor.pk, details=details)


def columns(*, actor: User | Group, target: Project | Domain | None) -> dict[str, Any]:
    """Return the columns that stand for an actor and a target; the kind of each is never guessed from an id."""
    return {
        "user_id": actor.pk if isinstance(actor, User) else None,
        "group_id": actor.pk if isinstance(actor, Group) else None,
        "project_id": target.pk if target is not None and not target.is_domain else None,
        "domain_id": target.pk if target is not None and target.is_domain else None,
        "system": target is None,
    }
