"""Putting what old runs have done into the tallies, so that counting stays cheap and outlives their rows."""

from django.db import connection, transaction

from apps.workflow.selectors.counters import COUNTED, COUNTED_UNTIL, EPOCH, moment, window

# A run whose transaction takes longer than this from its first to its last word may be missed. None does.
MARGIN_SECONDS = 120

_BEGIN = "INSERT INTO workflow_tally (name, label, value) VALUES (%s, '', 0) ON CONFLICT DO NOTHING"
_SINCE = "SELECT value FROM workflow_tally WHERE name = %s AND label = '' FOR UPDATE"
# Of a run that has not ended more is to come: counting stops before the oldest of them.
_UNTIL = """
SELECT least(clock_timestamp() - make_interval(secs => %s), min(created_at) - interval '1 microsecond')
  FROM workflow_run WHERE state IN ('queued', 'running', 'reverting')
"""
_FOLD = f"""
INSERT INTO workflow_tally (name, label, value) SELECT name, label, value FROM ({COUNTED}) c ORDER BY name, label
    ON CONFLICT (name, label) DO UPDATE SET value = workflow_tally.value + excluded.value
"""  # noqa: S608 - nothing but our own statement is put in
_MOVE = "UPDATE workflow_tally SET value = %s WHERE name = %s AND label = ''"


def fold(*, margin_seconds: float = MARGIN_SECONDS) -> bool:
    """Add the runs that began since the last call, and have all ended, to the tallies. One at a time, by a row lock.

    Returns False when there is no such time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BEGIN, [COUNTED_UNTIL])
        cursor.execute(_SINCE, [COUNTED_UNTIL])
        since = moment(cursor.fetchone()[0])
        cursor.execute(_UNTIL, [margin_seconds])
        until = cursor.fetchone()[0]
        if until <= since:
            return False
        cursor.execute(_FOLD, window(since, until))
        age = until - EPOCH
        cursor.execute(_MOVE, [(age.days * 86400 + age.seconds) * 1_000_000 + age.microseconds, COUNTED_UNTIL])
    return True
