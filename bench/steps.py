"""How long the steps of runs worked, as their rows say."""

from contextlib import closing
from statistics import quantiles

import psycopg2

WORKED = """\
SELECT name, extract(epoch FROM finished_at - started_at)::float8 FROM workflow_step
 WHERE direction = 'execute' AND result = 'success' AND started_at >= to_timestamp(%s)
"""


def worked(database_url: str, since: float) -> dict[str, dict[str, float]]:
    """Return step -> its median and 95th percentile in seconds, of steps that began after a moment."""
    times: dict[str, list[float]] = {}
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(WORKED, [since])
        for name, seconds in cursor.fetchall():
            times.setdefault(name, []).append(seconds)
    return {name: _summary(values) for name, values in times.items()}


def _summary(values: list[float]) -> dict[str, float]:
    parts = quantiles(values, n=20) if len(values) > 1 else values * 19
    return {"p50": round(parts[9], 4), "p95": round(parts[18], 4), "n": len(values)}
