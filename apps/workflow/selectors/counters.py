"""Counters since the cloud began: runs, boots, and waiting and working times of steps.

Nothing is counted while a server boots: its rows are the count. Rows of runs that began up to a moment (the tally
``counted_until``, microseconds since 1970) are in the tallies already, by ``services/counters.py``; the newer ones are
counted when somebody asks. So a counter never decreases when old runs are deleted, and reading it reads a few minutes
of rows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from apps.workflow import catalogue
from apps.workflow.models import Tally
from apps.workflow.sql import counters as sql

COUNTED_UNTIL = "counted_until"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Upper bounds in seconds. They are in the tallies' labels: after a change, earlier counts keep the old bounds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
ROUNDS = 5


def window(since: datetime, until: datetime | None = None) -> dict[str, Any]:
    """Return the values that ``COUNTED`` wants; without ``until`` up to now."""
    return {
        "since": since,
        "until": until or "infinity",
        "bounds": list(BOUNDS),
        "creating": catalogue.boots(),
    }


def moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def everything() -> dict[str, Mapping[str, int]]:
    """Return name -> label -> count, from the tallies and newer rows. 2 queries.

    The moment is asked first and given to the planner as a value, which lets it use the index. Should the tallies
    have moved on in between, it is asked again.
    """
    until = Tally.objects.filter(name=COUNTED_UNTIL).values_list("value", flat=True).first() or 0
    counts: dict[str, dict[str, int]] = {}
    for _ in range(ROUNDS):
        counts = {}
        with connection.cursor() as cursor:
            cursor.execute(sql.ALL, window(moment(until)))
            for name, label, value in cursor.fetchall():
                counts.setdefault(name, {})[label] = value
        now = counts.pop(COUNTED_UNTIL, {}).get("", 0)
        if now == until:
            break
        until = now
    return dict(counts)
