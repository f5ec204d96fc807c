"""Reading domains."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Domain
from apps.identity.selectors import filters


def find(domain_id: str) -> Domain | None:
    return Domain.objects.filter(pk=domain_id).first()


def get(domain_id: str) -> Domain:
    """Raises NotFound."""
    domain = find(domain_id)
    if domain is None:
        raise NotFound(noun="domain", id=domain_id[:64])
    return domain


def by_name(name: str) -> Domain | None:
    return Domain.objects.filter(name=name).first()


def listed(params: Mapping[str, str]) -> QuerySet[Domain]:
    return filters.apply(Domain.objects.all(), params, texts=("name",), booleans=("enabled",))


def of_user(*, user_id: str) -> QuerySet[Domain]:
    """Return the enabled domains on which the user has a role, itself or through a group."""
    mine = Q(domain_assignments__user_id=user_id) | Q(domain_assignments__group__memberships__user_id=user_id)
    return Domain.objects.filter(mine, domain_assignments__inherited=False, enabled=True).distinct()
