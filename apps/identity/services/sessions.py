"""Sessions of people who signed in on a page, as Django keeps them."""

from django.db import connection

PRUNE_BATCH = 1000
# Processes without pages, which prune, do not load the application that has the model.
_PRUNE = """
DELETE FROM django_session
 WHERE session_key IN (SELECT session_key FROM django_session WHERE expire_date < now() LIMIT %s)"""


def prune() -> int:
    """Delete sessions that have expired, a batch at a time. Returns how many."""
    removed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, (PRUNE_BATCH,))
            batch = int(cursor.rowcount)
        removed += batch
        if batch < PRUNE_BATCH:
            return removed
