"""Writing findings."""

REPORT = """
WITH seen AS (
    UPDATE workflow_finding
       SET last_seen_at = clock_timestamp(), times = times + 1, found = %(found)s, done = %(done)s,
           resolved_at = CASE WHEN %(resolved)s THEN clock_timestamp() END
     WHERE kind = %(kind)s AND subject = %(subject)s AND host = %(host)s AND resolved_at IS NULL RETURNING id)
INSERT INTO workflow_finding (kind, subject, host, found, done, first_seen_at, last_seen_at, times, resolved_at)
SELECT %(kind)s, %(subject)s, %(host)s, %(found)s, %(done)s, clock_timestamp(), clock_timestamp(), 1,
       CASE WHEN %(resolved)s THEN clock_timestamp() END
 WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT (kind, subject, host) WHERE resolved_at IS NULL DO NOTHING
RETURNING id
"""
