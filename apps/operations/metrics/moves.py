"""Servers on their way: migrations that are not over, and what hosts that are drained or evacuated still have."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from apps.compute.migration_states import ENDED

_MIGRATIONS = "SELECT type, status, count(*) FROM compute_migration WHERE status <> ALL(%(ended)s) GROUP BY 1, 2"
_LEAVING = """
SELECT h.name, CASE WHEN h.draining_since IS NULL THEN 'evacuation' ELSE 'drain' END,
       count(s.id) FILTER (WHERE s.task_state <> ''), count(s.id) FILTER (WHERE s.task_state = '')
  FROM scheduling_host h LEFT JOIN compute_server s ON s.host = h.name AND s.deleted_at IS NULL
 WHERE h.draining_since IS NOT NULL OR (h.forced_down AND h.evacuating_since IS NOT NULL)
 GROUP BY 1, 2 ORDER BY 1 LIMIT %(limit)s
"""


def collect() -> Iterator[Metric]:
    """2 statements. Hosts beyond the setting METRICS_HOSTS are left out."""
    text = "Migrations that are not over: under way, or to be confirmed."
    migrations = GaugeMetricFamily("celerity_migrations", text, labels=("type", "status"))
    text = "Servers of a host that is drained or evacuated: in an action (moving), or not (waiting)."
    leaving = GaugeMetricFamily("celerity_leaving_servers", text, labels=("host", "why", "state"))
    with connection.cursor() as cursor:
        cursor.execute(_MIGRATIONS, {"ended": list(ENDED)})
        for kind, status, count in cursor.fetchall():
            migrations.add_metric((kind, status), float(count))
        cursor.execute(_LEAVING, {"limit": settings.METRICS_HOSTS})
        for host, why, moving, waiting in cursor.fetchall():
            leaving.add_metric((host, why, "moving"), float(moving))
            leaving.add_metric((host, why, "waiting"), float(waiting))
    yield migrations
    yield leaving
