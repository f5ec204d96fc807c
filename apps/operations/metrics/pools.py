"""Volumes and backups by status, plans that fail, and pools of back ends: their room, and what volumes claim of it."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_VOLUMES = "SELECT status, count(*) FROM volumes_volume WHERE deleted_at IS NULL GROUP BY 1"
_BACKUPS = "SELECT status, count(*) FROM volumes_backup WHERE deleted_at IS NULL GROUP BY 1"
# Beat looks at them once a minute.
_PLANS = """
SELECT count(*) FILTER (WHERE error <> ''), count(*) FILTER (WHERE next_at < now() - interval '10 minutes')
  FROM volumes_backupplan WHERE is_enabled
"""
# A shared pool is one, whichever host reported it last.
_POOLS = """
SELECT backend, CASE WHEN shared THEN '' ELSE host END AS place, max(total_gib), min(free_gib), max(reserve_gib)
  FROM volumes_pool GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(limit)s
"""
_CLAIMED = """
SELECT v.backend, CASE WHEN p.shared THEN '' ELSE v.host END, sum(v.size)
  FROM volumes_volume v JOIN volumes_pool p ON p.host = v.host AND p.backend = v.backend
 WHERE v.deleted_at IS NULL GROUP BY 1, 2
"""
_EXPORTS = """
SELECT storage_host, count(*) FILTER (WHERE opened_at IS NOT NULL), count(*) FILTER (WHERE opened_at IS NULL)
  FROM volumes_export GROUP BY 1 ORDER BY 1 LIMIT %(limit)s
"""


def collect() -> Iterator[Metric]:
    """6 statements. Pools and hosts beyond the setting METRICS_HOSTS are left out."""
    for name, text, statement in (
        ("celerity_volumes", "Volumes by status.", _VOLUMES),
        ("celerity_volume_backups", "Backups of volumes by status.", _BACKUPS),
    ):
        family = GaugeMetricFamily(name, text, labels=("status",))
        for status, count in _rows(statement):
            family.add_metric((str(status),), float(count))
        yield family
    [(failed, late)] = _rows(_PLANS)
    plans = GaugeMetricFamily("celerity_volume_backup_plans", "Backup plans that need a look.", labels=("problem",))
    plans.add_metric(("failed",), float(failed))
    plans.add_metric(("late",), float(late))
    yield plans
    claimed = {(backend, place): size for backend, place, size in _rows(_CLAIMED)}
    text = "GiB of pools of volumes; host is empty where all hosts share one."
    pools = GaugeMetricFamily("celerity_volume_pool_gib", text, labels=("backend", "host", "kind"))
    for backend, place, total, free, reserve in _rows(_POOLS):
        amounts = {"total": total, "free": free, "reserve": reserve, "claimed": claimed.get((backend, place), 0)}
        for kind, amount in amounts.items():
            pools.add_metric((str(backend), str(place), kind), float(amount))
    yield pools
    text = "Volumes that hosts have open for other hosts."
    exports = GaugeMetricFamily("celerity_volume_exports", text, labels=("host", "state"))
    for host, opened, waiting in _rows(_EXPORTS):
        exports.add_metric((str(host), "open"), float(opened))
        exports.add_metric((str(host), "not_open"), float(waiting))
    yield exports


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"limit": settings.METRICS_HOSTS})
        return list(cursor.fetchall())
