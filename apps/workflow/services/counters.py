"""Adding the counts of old runs to the tallies, so that counting stays cheap and counts outlive the rows."""

from django.db import connection, transaction

from apps.workflow.selectors.counters import COUNTED_UNTIL, EPOCH, moment, window
from apps.workflow.sql import counters as sql

# A run whose transaction takes longer than this from its first to its last word may be missed. None does.
MARGIN_SECONDS = 120


def fold(*, margin_seconds: float = MARGIN_SECONDS) -> bool:
    """Add the runs that began since the last call, and have all ended, to the tallies. One at a time, by a row lock.

    Returns False when there is no such time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.BEGIN, [COUNTED_UNTIL])
        cursor.execute(sql.SINCE, [COUNTED_UNTIL])
        since = moment(cursor.fetchone()[0])
        cursor.execute(sql.UNTIL, [margin_seconds])
        until = cursor.fetchone()[0]
        if until <= since:
            return False
        cursor.execute(sql.FOLD, window(since, until))
        age = until - EPOCH
        cursor.execute(sql.MOVE, [(age.days * 86400 + age.seconds) * 1_000_000 + age.microseconds, COUNTED_UNTIL])
    return True
