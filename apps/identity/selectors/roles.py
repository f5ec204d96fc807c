"""Reading roles and their implications."""

from collections import deque
from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import ImpliedRole, Role
from apps.identity.selectors import filters


def find(role_id: str) -> Role | None:
    return Role.objects.filter(pk=role_id).first()


def get(role_id: str) -> Role:
    """Raises NotFound."""
    role = find(role_id)
    if role is None:
        raise NotFound(noun="role", id=role_id[:64])
    return role


def global_named(name: str) -> Role | None:
    """Return the role of this name that is of no domain."""
    return Role.objects.filter(domain=None, name=name).first()


def listed(params: Mapping[str, str]) -> QuerySet[Role]:
    """Return global roles, or the roles of the domain that is asked for."""
    rows = Role.objects.all() if "domain_id" in params else Role.objects.filter(domain=None)
    return filters.apply(rows, params, texts=("name", "domain_id"))


def implied_by(role_id: str) -> QuerySet[Role]:
    """Return the roles that a role implies directly."""
    return Role.objects.filter(implied_by__prior_id=role_id)


def implies(*, prior_id: str, implied_id: str) -> bool:
    return ImpliedRole.objects.filter(prior_id=prior_id, implied_id=implied_id).exists()


def inferences() -> list[tuple[Role, list[Role]]]:
    """Return every role that implies others, with those."""
    by_prior: dict[str, tuple[Role, list[Role]]] = {}
    for row in ImpliedRole.objects.select_related("prior", "implied").order_by("prior__name", "implied__name"):
        by_prior.setdefault(row.prior_id, (row.prior, []))[1].append(row.implied)
    return list(by_prior.values())


def closures() -> dict[str, dict[str, str]]:
    """Return for each role with implications every role id that it brings, near and far, with the one just before it.

    Of several ways to a role the shortest counts.
    """
    direct: dict[str, list[str]] = {}
    for prior, implied in ImpliedRole.objects.order_by("id").values_list("prior_id", "implied_id"):
        direct.setdefault(prior, []).append(implied)
    implied_by = {}
    for role_id in direct:
        before: dict[str, str] = {}
        waiting = deque([role_id])
        while waiting:
            prior = waiting.popleft()
            for implied in direct.get(prior, []):
                if implied not in before and implied != role_id:
                    before[implied] = prior
                    waiting.append(implied)
        implied_by[role_id] = before
    return implied_by
