"""Reserving, committing and releasing quota; each locks usage in one order."""

from apps.common.sql.planned import Statement

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
PROMISE = Statement("quotas_promise", _INSERT, _PROMISE_TYPES)
# The reservation is inserted at once if all requested amounts (``whole``) fit.
RESERVE = Statement(
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
""",
    {"resources": "text[]", "deltas": "bigint[]", "defaults": "bigint[]", "limits_of": "text", **_PROMISE_TYPES},
)
SETTLE = Statement(
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
RELEASE = Statement(
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
EXPIRED = """
SELECT DISTINCT consumer_id FROM quotas_reservation WHERE expires_at < now() LIMIT %s
"""
