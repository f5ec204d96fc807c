"""Users of v2.0 and their default tenant: a user becomes a member of its default tenant."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.identity.models import Role, User
from apps.identity.selectors import projects, role_assignments, roles
from apps.identity.selectors import users as user_selectors
from apps.identity.services import role_assignments as role_assignment_services
from apps.identity.services import roles as role_services
from apps.identity.services import users

MEMBER = "member"
# Keystone's name for the role of a default tenant. Clients add "member" beside it, which must not be a conflict.
DEFAULT_MEMBER = "_member_"


def member() -> Role | None:
    """Return the role that a default tenant grants; None if an operator has removed it."""
    return roles.global_named(MEMBER)


def _membership() -> Role | None:
    """Return the role to grant. It is made when it is first needed, and implies the role member."""
    role, implied = roles.global_named(DEFAULT_MEMBER), member()
    if role is None and implied is not None:
        described = {"name": DEFAULT_MEMBER, "description": "Given by identity v2.0 on a user's default tenant"}
        role = role_services.create(values=described)
        role_services.imply(prior_id=role.pk, implied_id=implied.pk)
    return role


@transaction.atomic
def create_user(*, values: Mapping[str, Any], default_domain_id: str) -> User:
    """Make a user and, where a tenant is named, a member of it. Raises NotFound (404) for an unknown tenant."""
    user = users.create(values=values, default_domain_id=default_domain_id)
    _join(user)
    return user


@transaction.atomic
def update_user(*, user_id: str, changes: Mapping[str, Any]) -> User:
    """Change a user. With a new default tenant it becomes a member there, and is one no more in the former tenant."""
    former = user_selectors.get(user_id).default_project_id
    user = users.update(user_id=user_id, changes=changes)
    if user.default_project_id != former:
        _leave(user, former)
        _join(user)
    return user


def _join(user: User) -> None:
    role = _membership() if user.default_project_id else None
    if user.default_project_id and role is not None:
        role_assignment_services.grant(role=role, actor=user, target=projects.get(user.default_project_id))


def _leave(user: User, former: str | None) -> None:
    role, project = roles.global_named(DEFAULT_MEMBER), projects.find(former or "")
    if role is None or project is None:
        return
    columns = role_assignment_services.columns(actor=user, target=project)
    if role_assignments.exists(**columns, inherited=False, role_id=role.pk):
        role_assignment_services.revoke(role=role, actor=user, target=project)
