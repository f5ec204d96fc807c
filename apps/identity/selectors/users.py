"""Reading users."""

from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import User
from apps.identity.selectors import filters


def find(user_id: str) -> User | None:
    return User.objects.filter(pk=user_id).first()


def get(user_id: str) -> User:
    """Raises NotFound."""
    user = find(user_id)
    if user is None:
        raise NotFound(noun="user", id=user_id[:64])
    return user


def by_name(*, name: str, domain_id: str | None = None, domain_name: str | None = None) -> User | None:
    """Return the user of that name in a domain that is named or known by its id."""
    if domain_id is None and domain_name is None:
        return None
    rows = User.objects.filter(name=name)
    rows = rows.filter(domain_id=domain_id) if domain_id is not None else rows.filter(domain__name=domain_name)
    return rows.first()


def listed(params: Mapping[str, str], *, expiries: Iterable[str] = ()) -> QuerySet[User]:
    """Return users. ``expiries`` are all ``password_expires_at`` of the query: ``lt:<time>`` and the like.

    Raises Invalid (400).
    """
    rows = filters.apply(User.objects.all(), params, texts=("name", "domain_id", "email"), booleans=("enabled",))
    return filters.by_times(rows, "password_expires_at", expiries)


def in_group(group_id: str, params: Mapping[str, str], *, expiries: Iterable[str] = ()) -> QuerySet[User]:
    return listed(params, expiries=expiries).filter(memberships__group_id=group_id)


def names(user_ids: Iterable[str]) -> dict[str, str]:
    """Return id -> name of those that are there. 1 query."""
    return dict(User.objects.filter(pk__in=list(user_ids)).values_list("pk", "name"))
