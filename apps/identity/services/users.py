"""Writing users."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, NotFound, Unauthorized
from apps.identity.models import User
from apps.identity.selectors import domains, users
from apps.identity.services import lockouts, passwords, row_writes, throttling

_FIELDS = ("name", "email", "description", "enabled", "default_project_id", "options", "extra")


@transaction.atomic
def create(*, values: Mapping[str, Any], default_domain_id: str) -> User:
    """Create a user in its domain; without a password it cannot sign in with one."""
    domain = domains.get(values.get("domain_id") or default_domain_id)
    user = User(domain=domain, name=values["name"])
    row_writes.merge(user, values, _FIELDS)
    passwords.assign(user=user, password=values.get("password"))
    with row_writes.unique("user", f"name {user.name} at domain ID {domain.pk}"):
        user.save(force_insert=True)
    audit.record("create", "user", user.pk)
    return user


@transaction.atomic
def update(*, user_id: str, changes: Mapping[str, Any]) -> User:
    """Change a user. A new password, or disabling, ends all its tokens and sessions at once."""
    user = locks.row(User.objects.all(), user_id)
    if user is None:
        raise NotFound(noun="user", id=user_id[:64])
    if changes.get("domain_id", user.domain_id) != user.domain_id:
        raise Invalid(field="domain_id", reason="it cannot be changed")
    if changes.get("enabled") is False and user.enabled:
        user.tokens_valid_after = Now()
    replaced = user.password
    if "password" in changes:
        passwords.assign(user=user, password=changes["password"])
    row_writes.merge(user, changes, _FIELDS)
    with row_writes.unique("user", f"name {user.name} at domain ID {user.domain_id}"):
        user.save()
    if "password" in changes:
        passwords.remember(user, replaced)
        lockouts.unlock(user)
    audit.record("update", "user", user.pk, details={"changed": sorted(set(changes) & {*_FIELDS, "password"})})
    return user


@transaction.atomic
def delete(*, user_id: str) -> None:
    """Delete a user with its memberships and assignments. Its tokens become invalid."""
    user = locks.row(User.objects.all(), user_id)
    if user is None:
        raise NotFound(noun="user", id=user_id[:64])
    user.delete()
    audit.record("delete", "user", user_id)


def change_password(*, user_id: str, original: str, password: str, address: str = "") -> None:
    """Let users set their own password, knowing the old one. Raises Unauthorized, the same for every cause."""
    user = users.find(user_id)
    good = throttling.verify(user=user, password=original, address=address)
    if user is None or not good or not user.enabled or not user.domain.enabled:
        raise Unauthorized
    if user.options.get("lock_password") is True:
        raise Forbidden("The password of this user is locked.")
    if password == original:
        raise Invalid(field="password", reason="the new password must differ from the old one")
    passwords.refuse_reused(user, password)
    with transaction.atomic():
        passwords.change(user=user, password=password, by_owner=True)
        audit.record("update", "user", user.pk, details={"changed": ["password"]}, user_id=user.pk, user_name=user.name)
