"""Targets of identity's rules, under Keystone's names: ``target.user.domain_id`` and the like.

A missing row has no attributes, so that ordinary callers learn nothing.
"""

from typing import Any

from apps.identity.models import Group, Project, Role, User
from apps.identity.selectors import privileges

NO_DOMAIN = "None"  # as Keystone's rules ask for it: None:%(target.role.domain_id)s


def of_user(user: User | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"target.user.id": user.pk, "target.user.name": user.name, "target.user.domain_id": user.domain_id}


def of_written_user(user: User | None) -> dict[str, Any]:
    """Return the target of rules for changing a user, with whether the user is privileged."""
    if user is None:
        return {}
    return {**of_user(user), "target.user.is_privileged": privileges.beyond_manager(user)}


def of_group(group: Group | None) -> dict[str, Any]:
    if group is None:
        return {}
    return {"target.group.id": group.pk, "target.group.name": group.name, "target.group.domain_id": group.domain_id}


def of_written_group(group: Group | None) -> dict[str, Any]:
    """Return the target of rules for changing a group and its members, with whether the group is privileged."""
    if group is None:
        return {}
    return {**of_group(group), "target.group.is_privileged": privileges.beyond_manager(group)}


def of_project(project: Project | None) -> dict[str, Any]:
    if project is None:
        return {}
    return {
        "target.project.id": project.pk,
        "target.project.name": project.name,
        "target.project.domain_id": project.domain_id,
    }


def of_role(role: Role | None) -> dict[str, Any]:
    if role is None:
        return {}
    return {
        "target.role.id": role.pk,
        "target.role.name": role.name,
        "target.role.domain_id": role.domain_id or NO_DOMAIN,
    }


def of_grant(*, actor: User | Group | None, target: Project | None, role: Role | None) -> dict[str, Any]:
    """Return the target of rules for grants. ``scope`` and ``actor`` are words of ours for either kind of each."""
    subject = {**(of_group(actor) if isinstance(actor, Group) else of_user(actor)), **of_role(role)}
    if actor is not None:
        subject["target.actor.domain_id"] = actor.domain_id
    if target is not None and target.is_domain:
        subject |= {"target.domain.id": target.pk, "target.scope.domain_id": target.pk}
    elif target is not None:
        subject |= {**of_project(target), "target.scope.domain_id": target.domain_id}
    return subject
