"""Reading runs, steps and held leases."""

NEWEST = """
SELECT r.id FROM unnest(%s::uuid[]) AS s(id),
       LATERAL (SELECT id FROM workflow_run WHERE subject_id = s.id ORDER BY created_at DESC LIMIT %s) r
"""
LOCKED = """
SELECT ((classid::bigint << 32) | objid::bigint)::bigint, pid FROM pg_locks
 WHERE locktype = 'advisory' AND granted AND objsubid = 1
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SERVED_UNTIL = """
SELECT max(enqueued_at) FROM workflow_step
 WHERE queue = %s AND started_at BETWEEN clock_timestamp() - interval '1 day'
                              AND clock_timestamp() - make_interval(secs => %s)
   AND enqueued_at > clock_timestamp() - interval '1 day'
"""
