"""Reserving and settling: every change of a usage is one conditional statement in the caller's transaction."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from apps.common.sql.planned import Statement
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.models import Usage
from apps.quotas.selectors import limits, usages

# The locking read comes first and in a fixed order, so that two requests cannot wait for each other; the update then
# sees the newest row versions, because PostgreSQL re-checks its condition on them (READ COMMITTED, EvalPlanQual).
_INSERT = """
INSERT INTO quotas_reservation (id, owner_id, resource, delta, consumer_id, created_at, expires_at)
SELECT gen_random_uuid(), %(owner)s, resource, delta, consumer, now(), now() + make_interval(secs => %(lifetime)s)
  FROM unnest(%(whole)s, %(each)s) AS w(resource, delta), unnest(%(consumers)s) AS consumer
"""
_PROMISE_TYPES = {
    "owner": "text", "whole": "text[]", "each": "bigint[]", "consumers": "uuid[]", "lifetime": "float8",
}  # fmt: skip
_PROMISE = Statement("quotas_promise", _INSERT, _PROMISE_TYPES)
# The promise is written down at once where all that is wanted (``whole``) could be moved.
_RESERVE = Statement(
    "quotas_reserve",
    f"""
WITH wanted AS (
    SELECT * FROM unnest(%(resources)s, %(deltas)s, %(defaults)s)
        AS w(resource, delta, usual)),
locked AS MATERIALIZED (
    SELECT u.id FROM quotas_usage u WHERE u.owner_id = %(owner)s AND u.resource = ANY(%(resources)s)
     ORDER BY u.owner_id, u.resource FOR UPDATE),
moved AS (
    UPDATE quotas_usage u SET reserved = u.reserved + w.delta
      FROM wanted w
      LEFT JOIN quotas_limit own ON own.owner_id = %(limits_of)s AND own.resource = w.resource
      LEFT JOIN quotas_limit general ON general.owner_id = 'default' AND general.resource = w.resource
     WHERE u.id IN (SELECT id FROM locked) AND u.resource = w.resource
       AND (coalesce(own.value, general.value, w.usual) < 0
            OR u.in_use + u.reserved + w.delta <= coalesce(own.value, general.value, w.usual))
 RETURNING w.resource),
promised AS ({_INSERT} WHERE (SELECT count(*) FROM moved) = cardinality(%(whole)s))
SELECT resource FROM moved
""",  # noqa: S608 - put together from our own texts
    {"resources": "text[]", "deltas": "bigint[]", "defaults": "bigint[]", "limits_of": "text", **_PROMISE_TYPES},
)


def reserve(
    *, owner_id: str, each: Mapping[str, int], consumers: Sequence[uuid.UUID], limits_of: str | None = None
) -> None:
    """Reserve ``each`` (resource -> amount) for every consumer, in the caller's transaction.

    ``limits_of`` names whose limits hold where it is not the owner: key pairs are counted per user, and limited by
    the project.

    Raises QuotaExceeded (403) naming the first resource that does not suffice; the caller's transaction must then
    be rolled back. Reservations expire after ``RESERVATION_LIFETIME`` seconds.
    """
    wanted = {resource: amount for resource, amount in sorted(each.items()) if amount > 0}
    if not wanted:
        return
    values = {
        "owner": owner_id,
        "limits_of": limits_of or owner_id,
        "resources": list(wanted),
        "whole": list(wanted),
        "each": list(wanted.values()),
        "deltas": [amount * len(consumers) for amount in wanted.values()],
        "defaults": [settings.QUOTA_DEFAULTS[resource] for resource in wanted],
        "consumers": list(consumers),
        "lifetime": settings.RESERVATION_LIFETIME,
    }
    moved = {row[0] for row in _RESERVE.fetch(values)}
    if len(moved) == len(wanted):
        return
    # Refused, or never counted before. Another request may have made the rows since the first statement looked, so a
    # second look is due in any case.
    _create_missing(owner_id, list(wanted))
    missing = [resource for resource in wanted if resource not in moved]
    again = {
        **values,
        "resources": missing,
        "deltas": [wanted[resource] * len(consumers) for resource in missing],
        "defaults": [settings.QUOTA_DEFAULTS[resource] for resource in missing],
    }
    moved |= {row[0] for row in _RESERVE.fetch(again)}
    refused = next((resource for resource in wanted if resource not in moved), None)
    if refused:
        raise _exceeded(owner_id, limits_of or owner_id, refused, wanted[refused] * len(consumers))
    if len(missing) < len(wanted):  # else the second look promised
        _PROMISE.run(values)


def _create_missing(owner_id: str, resources: list[str]) -> None:
    """Create usage rows for resources that were never counted."""
    rows = [Usage(owner_id=owner_id, resource=resource) for resource in sorted(resources)]
    Usage.objects.bulk_create(rows, ignore_conflicts=True)


def _exceeded(owner_id: str, limits_of: str, resource: str, requested: int) -> QuotaExceeded:
    used = sum(usages.of_owner(owner_id=owner_id).get(resource, (0, 0)))
    allowed = limits.of(owner_id=limits_of, resource=resource)
    return QuotaExceeded(resource=resource, requested=requested, used=used, allowed=allowed)


_SETTLE = Statement(
    "quotas_settle",
    """
WITH gone AS (DELETE FROM quotas_reservation WHERE consumer_id = ANY(%(consumers)s)
              RETURNING owner_id, resource, delta),
total AS (SELECT owner_id, resource, sum(delta) AS delta FROM gone GROUP BY owner_id, resource),
locked AS MATERIALIZED (
    SELECT u.id FROM quotas_usage u JOIN total t ON u.owner_id = t.owner_id AND u.resource = t.resource
     ORDER BY u.owner_id, u.resource FOR UPDATE OF u)
UPDATE quotas_usage u SET reserved = u.reserved - t.delta, in_use = u.in_use + t.delta * %(factor)s
  FROM total t
 WHERE u.id IN (SELECT id FROM locked) AND u.owner_id = t.owner_id AND u.resource = t.resource
""",
    {"consumers": "uuid[]", "factor": "int"},
)


def commit(*, consumers: Sequence[uuid.UUID]) -> None:
    """Turn the consumers' reservations into use. Without reservations nothing happens."""
    _settle(consumers, 1)


def cancel(*, consumers: Sequence[uuid.UUID]) -> None:
    """Give the consumers' reservations back. Without reservations nothing happens."""
    _settle(consumers, 0)


def _settle(consumers: Sequence[uuid.UUID], factor: int) -> None:
    _SETTLE.run({"consumers": list(consumers), "factor": factor})


_RELEASE = Statement(
    "quotas_release",
    """
WITH gone AS (DELETE FROM quotas_reservation WHERE consumer_id = %(consumer)s RETURNING resource, delta),
wanted AS (SELECT * FROM unnest(%(resources)s, %(deltas)s) AS w(resource, delta)),
locked AS MATERIALIZED (
    SELECT u.id FROM quotas_usage u WHERE u.owner_id = %(owner)s AND u.resource = ANY(%(resources)s)
     ORDER BY u.owner_id, u.resource FOR UPDATE)
UPDATE quotas_usage u
   SET reserved = u.reserved - coalesce(g.delta, 0),
       in_use = u.in_use - CASE WHEN g.delta IS NULL THEN w.delta ELSE 0 END
  FROM wanted w LEFT JOIN gone g ON g.resource = w.resource
 WHERE u.id IN (SELECT id FROM locked) AND u.resource = w.resource
""",
    {"consumer": "uuid", "resources": "text[]", "deltas": "bigint[]", "owner": "text"},
)


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
    _RELEASE.run(values)


_EXPIRED = """
SELECT DISTINCT consumer_id FROM quotas_reservation WHERE expires_at < now() LIMIT %s
"""


def expired(*, limit: int = 100) -> list[uuid.UUID]:
    """Return consumers whose reservations were never settled in time; the caller knows whether they still exist."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [limit])
        return [row[0] for row in cursor.fetchall()]


def correct(*, owner_id: str, resource: str, in_use: int, reserved: int) -> None:
    """Set a usage to what the rows say (quota_verify --repair)."""
    Usage.objects.update_or_create(
        owner_id=owner_id, resource=resource, defaults={"in_use": in_use, "reserved": reserved}
    )
