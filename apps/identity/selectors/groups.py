"""Reading groups."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Group, GroupMembership
from apps.identity.selectors import filters


def find(group_id: str) -> Group | None:
    return Group.objects.filter(pk=group_id).first()


def get(group_id: str) -> Group:
    """Raises NotFound."""
    group = find(group_id)
    if group is None:
        raise NotFound(noun="group", id=group_id[:64])
    return group


def listed(params: Mapping[str, str]) -> QuerySet[Group]:
    return filters.apply(Group.objects.all(), params, texts=("name", "domain_id"))


def of_user(user_id: str, params: Mapping[str, str]) -> QuerySet[Group]:
    return listed(params).filter(memberships__user_id=user_id)


def has(*, group_id: str, user_id: str) -> bool:
    return GroupMembership.objects.filter(group_id=group_id, user_id=user_id).exists()
