"""Writing groups and memberships."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Invalid, NotFound
from apps.identity.models import Group, GroupMembership
from apps.identity.selectors import domains, groups, users
from apps.identity.services import row_writes


@transaction.atomic
def create(*, values: Mapping[str, Any], default_domain_id: str) -> Group:
    domain = domains.get(values.get("domain_id") or default_domain_id)
    group = Group(domain=domain, name=values["name"])
    row_writes.merge(group, values, ("description", "extra"))
    with row_writes.unique("group", f"name {group.name} at domain ID {domain.pk}"):
        group.save(force_insert=True)
    audit.record("create", "group", group.pk)
    return group


@transaction.atomic
def update(*, group_id: str, changes: Mapping[str, Any]) -> Group:
    group = locks.row(Group.objects.all(), group_id)
    if group is None:
        raise NotFound(noun="group", id=group_id[:64])
    if changes.get("domain_id", group.domain_id) != group.domain_id:
        raise Invalid(field="domain_id", reason="it cannot be changed")
    row_writes.merge(group, changes, ("name", "description", "extra"))
    with row_writes.unique("group", f"name {group.name} at domain ID {group.domain_id}"):
        group.save()
    audit.record("update", "group", group.pk, details={"changed": sorted(changes)})
    return group


@transaction.atomic
def delete(*, group_id: str) -> None:
    """Delete a group. Its members lose its roles with their next request."""
    groups.get(group_id).delete()
    audit.record("delete", "group", group_id)


@transaction.atomic
def add_user(*, group_id: str, user_id: str) -> None:
    """Raises NotFound for either; a member stays one."""
    group, user = groups.get(group_id), users.get(user_id)
    GroupMembership.objects.get_or_create(group=group, user=user)
    audit.record("add_user", "group", group.pk, details={"user": user.pk})


@transaction.atomic
def remove_user(*, group_id: str, user_id: str) -> None:
    """Raises NotFound when the user is no member."""
    groups.get(group_id), users.get(user_id)
    removed, _ = GroupMembership.objects.filter(group_id=group_id, user_id=user_id).delete()
    if not removed:
        raise NotFound(noun="user in group", id=user_id[:64])
    audit.record("remove_user", "group", group_id, details={"user": user_id})
