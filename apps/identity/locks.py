"""Locks of identity, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model, QuerySet

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.identity.models import Credential, Domain, DomainOption, Endpoint, Project, Region, User

Row = TypeVar("Row", bound=Model)


_RANKS: dict[type[Model], Rank] = {
    Project: Rank.PROJECT,
    Domain: Rank.PROJECT,
    User: Rank.USER,
    Credential: Rank.CREDENTIAL,
}


def _rank_of(queryset: QuerySet[Row], _: str) -> Rank:
    return _RANKS.get(queryset.model, Rank.IDENTITY)


@ranked(Rank.NAME)
def administrators() -> None:
    """One at a time takes rights away: of two administrators who remove each other, the second is refused."""
    advisory.hold("identity.administrators")


@ranked(_rank_of)
def row(queryset: QuerySet[Row], pk: str) -> Row | None:
    """Lock one row of the queryset, to change it."""
    return queryset.select_for_update(of=("self",)).filter(pk=pk).first()


@ranked(Rank.USER)
def owner(user_id: str) -> None:
    """Lock a user while its rows are counted and added to; rows that refer to it need not wait."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


@ranked(Rank.USER)
def users_to_delete(domain_id: str) -> None:
    """Lock a domain's users, by id, against everything; what belongs to them comes after."""
    list(User.objects.select_for_update().filter(domain_id=domain_id).order_by("pk").values_list("pk"))


@ranked(Rank.IDENTITY)
def region(region_id: str) -> Region:
    """Lock a region while its endpoints are added. Raises Region.DoesNotExist."""
    return Region.objects.select_for_update().get(id=region_id)


@ranked(Rank.IDENTITY)
def regions_to_delete(region_ids: Iterable[str]) -> None:
    """Lock regions against endpoints that come to refer to them."""
    list(Region.objects.select_for_update().filter(pk__in=region_ids).order_by("pk"))


@ranked(Rank.IDENTITY)
def endpoints(**columns: object) -> QuerySet[Endpoint]:
    """Return the endpoints with these values, which are locked when they are read."""
    return Endpoint.objects.select_for_update().filter(**columns)


@ranked(Rank.CREDENTIAL)
def credentials() -> list[Credential]:
    """Lock all credentials, by id."""
    return list(Credential.objects.select_for_update().order_by("pk"))


@ranked(Rank.DOMAIN_OPTION)
def domain_options(names: Iterable[str]) -> list[DomainOption]:
    """Lock all domains' options of these names, by id; after the credentials."""
    return list(DomainOption.objects.select_for_update().filter(option__in=names).order_by("pk"))
