"""Locks of identity, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model, QuerySet

from apps.common.sql import advisory
from apps.identity.models import Credential, DomainOption, Endpoint, Region, User

Row = TypeVar("Row", bound=Model)


def administrators() -> None:
    """One at a time takes rights away: of two administrators who remove each other, the second is refused."""
    advisory.hold("identity.administrators")


def row(queryset: QuerySet[Row], pk: str) -> Row | None:
    """Lock one row of the queryset, to change it."""
    return queryset.select_for_update(of=("self",)).filter(pk=pk).first()


def owner(user_id: str) -> None:
    """Lock a user while its rows are counted and added to; rows that refer to it need not wait."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


def region(region_id: str) -> Region:
    """Lock a region while its endpoints are added. Raises Region.DoesNotExist."""
    return Region.objects.select_for_update().get(id=region_id)


def regions_to_delete(region_ids: Iterable[str]) -> None:
    """Lock regions against endpoints that come to refer to them."""
    list(Region.objects.select_for_update().filter(pk__in=region_ids).order_by("pk"))


def endpoints(**columns: object) -> QuerySet[Endpoint]:
    """Return the endpoints with these values, which are locked when they are read."""
    return Endpoint.objects.select_for_update().filter(**columns)


def credentials() -> list[Credential]:
    """Lock all credentials, by id."""
    return list(Credential.objects.select_for_update().order_by("pk"))


def domain_options(names: Iterable[str]) -> list[DomainOption]:
    """Lock all domains' options of these names, by id; after the credentials."""
    return list(DomainOption.objects.select_for_update().filter(option__in=names).order_by("pk"))
