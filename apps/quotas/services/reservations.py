"""Reserving and settling: every change of a usage is one conditional statement in the caller's transaction."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from apps.quotas import registry
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.models import Usage
from apps.quotas.selectors import limits, usages
from apps.quotas.sql import reservations as sql


def reserve(
    *, owner_id: str, each: Mapping[str, int], consumers: Sequence[uuid.UUID], limits_of: str | None = None
) -> None:
    """Reserve ``each`` (resource -> amount) for every consumer, in the caller's transaction.

    ``limits_of`` names the owner of the limits, if it is another one: key pairs are counted per user and limited by the
    project.

    Raises QuotaExceeded (403) naming the first resource that does not suffice; the caller's transaction must then
    be rolled back. Reservations expire after ``RESERVATION_LIFETIME`` seconds.
    """
    wanted = {resource: amount for resource, amount in sorted(each.items()) if amount > 0}
    if not wanted:
        return
    values = {
        "owner": owner_id,
        "limits_of": limits_of or owner_id,
        "whole": list(wanted),
        "each": list(wanted.values()),
        "consumers": list(consumers),
        "lifetime": settings.RESERVATION_LIFETIME,
    }
    moved = _move(values, wanted)
    if len(moved) == len(wanted):
        return
    # Refused, or never counted before. Another request may have made the rows since the first statement ran, so a
    # second one is due in any case.
    _create_missing(owner_id, list(wanted))
    missing = {resource: amount for resource, amount in wanted.items() if resource not in moved}
    moved |= _move(values, missing)
    refused = next((resource for resource in wanted if resource not in moved), None)
    if refused:
        raise _exceeded(owner_id, limits_of or owner_id, refused, wanted[refused] * len(consumers))
    if len(missing) < len(wanted):  # else the second statement promised
        sql.PROMISE.run(values)


def _move(values: Mapping[str, Any], amounts: Mapping[str, int]) -> set[str]:
    """Add ``amounts`` (resource -> amount of each consumer) to what is reserved; return the resources that had room.

    If all of the request's resources have, the reservations are written as well. 1 query.
    """
    asked = {
        "resources": list(amounts),
        "deltas": [amount * len(values["consumers"]) for amount in amounts.values()],
        "defaults": [registry.get(resource).default() for resource in amounts],
    }
    return {row[0] for row in sql.RESERVE.fetch({**values, **asked})}


def _create_missing(owner_id: str, resources: list[str]) -> None:
    """Create usage rows for resources that were never counted."""
    rows = [Usage(owner_id=owner_id, resource=resource) for resource in sorted(resources)]
    Usage.objects.bulk_create(rows, ignore_conflicts=True)


def _exceeded(owner_id: str, limits_of: str, resource: str, requested: int) -> QuotaExceeded:
    used = sum(usages.of_owner(owner_id=owner_id).get(resource, (0, 0)))
    allowed = limits.of(owner_id=limits_of, resource=resource)
    return QuotaExceeded(resource=resource, requested=requested, used=used, allowed=allowed)


def commit(*, consumers: Sequence[uuid.UUID]) -> None:
    """Turn the consumers' reservations into use. Without reservations nothing happens."""
    _settle(consumers, 1)


def cancel(*, consumers: Sequence[uuid.UUID]) -> None:
    """Give the consumers' reservations back. Without reservations nothing happens."""
    _settle(consumers, 0)


def _settle(consumers: Sequence[uuid.UUID], factor: int) -> None:
    sql.SETTLE.run({"consumers": list(consumers), "factor": factor})


def release(*, owner_id: str, each: Mapping[str, int], consumer: uuid.UUID) -> None:
    """Remove a consumer's reservation or usage.

    The caller does this once per consumer, in the transaction that removes it.
    """
    values: dict[str, Any] = {
        "owner": owner_id,
        "consumer": consumer,
        "resources": sorted(each),
        "deltas": [each[r] for r in sorted(each)],
    }
    sql.RELEASE.run(values)


def expired(*, limit: int = 100) -> list[uuid.UUID]:
    """Return consumers whose reservations were never settled in time; the caller knows whether they still exist."""
    with connection.cursor() as cursor:
        cursor.execute(sql.EXPIRED, [limit])
        return [row[0] for row in cursor.fetchall()]


def correct(*, owner_id: str, resource: str, in_use: int, reserved: int) -> None:
    """Set a usage to the rows' count (quota_verify --repair)."""
    Usage.objects.update_or_create(
        owner_id=owner_id, resource=resource, defaults={"in_use": in_use, "reserved": reserved}
    )
