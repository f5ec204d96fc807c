"""Reading runs, steps and held leases; sending a run again."""

NEWEST = """
SELECT r.id FROM unnest(%s::text[], %s::uuid[]) AS s(type, id),
       LATERAL (SELECT id FROM workflow_run WHERE subject_id = s.id AND subject_type = s.type
                 ORDER BY created_at DESC LIMIT %s) r
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
# The run must still be as the caller read it: a step that ended in between has already sent the next message. A step
# whose message was lost keeps its waiting time; a step that had started is recorded as lost.
RESEND = """
UPDATE workflow_run SET token = token + 1, step_state = 'queued', enqueued_at = clock_timestamp(), queue = %s,
       waiting_since = CASE WHEN step_state = 'queued' AND not_before IS NULL
                            THEN coalesce(waiting_since, enqueued_at) END,
       not_before = NULL, updated_at = clock_timestamp()
 WHERE id = %s AND token = %s AND next_step = %s AND step_state = %s AND enqueued_at = %s
   AND state IN ('queued', 'running', 'reverting')
RETURNING token
"""
LOSE_STEP = """
UPDATE workflow_step SET result = 'lost', finished_at = clock_timestamp() WHERE run_id = %s AND result = ''
"""
