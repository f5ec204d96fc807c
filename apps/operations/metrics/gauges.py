"""Current numbers: servers, hosts, claims, queues, open findings, and this version."""

import os
import platform
from collections.abc import Iterable, Iterator
from typing import Any

import django
from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from apps.common import broker
from apps.operations.metrics import hosts, moves, pools
from apps.workflow.states import PERIODIC_QUEUE, SCHEDULER_QUEUE, host_queues

HOST_QUEUES = "hosts"  # all hosts' queues in one, where there are too many for a series each

_SERVERS = "SELECT vm_state, count(*) FROM compute_server WHERE deleted_at IS NULL GROUP BY 1"
_RUNS = """
SELECT pipeline, queue, count(*), count(*) FILTER (WHERE waits), count(*) FILTER (WHERE step_state = 'running'),
       coalesce(max(extract(epoch FROM clock_timestamp() - enqueued_at)) FILTER (WHERE waits), 0)::float8
  FROM (SELECT pipeline, CASE WHEN %(each)s OR queue NOT LIKE 'host.%%' THEN queue ELSE %(hosts)s END AS queue,
               step_state, coalesce(waiting_since, enqueued_at) AS enqueued_at,
               step_state = 'queued' AND (not_before IS NULL OR not_before <= clock_timestamp()) AS waits
          FROM workflow_run WHERE leader_id IS NULL AND state IN ('queued', 'running', 'reverting')) r
 GROUP BY 1, 2
"""
_FINDINGS = "SELECT kind, count(*) FROM workflow_finding WHERE resolved_at IS NULL GROUP BY 1"


def gauge(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, float(value))
    return family


def rows(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def build() -> Metric:
    """The running version: the release is a digest of the code, the same in all processes of one `make up`."""
    labels: dict[str, str] = {
        "version": str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        "release": os.environ.get("CELERITY_RELEASE", ""),
        "python": platform.python_version(),
        "django": django.get_version(),
    }
    return gauge("celerity_build_info", "What runs.", tuple(labels), [(tuple(labels.values()), 1)])


def collect() -> Iterator[Metric]:
    """14 statements, one of them only if each host has its own series; the broker is asked for half a second."""
    counted = [((state,), count) for state, count in rows(_SERVERS)]
    yield gauge("celerity_servers", "Servers by vm_state.", ("vm_state",), counted)
    totals = hosts.totals()
    yield from hosts.collect(totals)
    yield from pools.collect()
    yield from moves.collect()
    each = hosts.each(totals)
    yield from hosts.collect_each(each)
    yield from _queues([str(host["name"]) for host in each] if each is not None else None)
    kinds = [((kind,), count) for kind, count in rows(_FINDINGS)]
    text = "Differences that were found and are still there, by kind."
    yield gauge("celerity_reconciler_findings_open", text, ("kind",), kinds)


def _queues(names: list[str] | None) -> Iterator[Metric]:
    """Runs under way and their queues. ``names``: the hosts, None when there are too many of them."""
    runs: dict[str, int] = {}
    own = [queue for name in names for queue in host_queues(name)] if names is not None else [HOST_QUEUES]
    queues: dict[str, tuple[int, int, float]] = dict.fromkeys((SCHEDULER_QUEUE, *own), (0, 0, 0.0))
    for pipeline, queue, total, waiting, running, age in rows(_RUNS, {"each": names is not None, "hosts": HOST_QUEUES}):
        runs[pipeline] = runs.get(pipeline, 0) + total
        queued = queues.get(queue, (0, 0, 0.0))
        queues[queue] = (queued[0] + waiting, queued[1] + running, max(queued[2], age))
    active = [((pipeline,), count) for pipeline, count in runs.items()]
    yield gauge("celerity_runs_active", "Runs that have not ended, by pipeline.", ("pipeline",), active)
    gauges = (
        ("celerity_queue_waiting", "Steps that wait, by queue, as the rows tell."),
        ("celerity_queue_running", "Steps at work, by the queue that they came from."),
        ("celerity_queue_oldest_seconds", "How long the step that waits longest has waited, by queue."),
    )
    for at, (name, text) in enumerate(gauges):
        yield gauge(name, text, ("queue",), [((queue,), values[at]) for queue, values in queues.items()])
    yield from _messages([SCHEDULER_QUEUE, PERIODIC_QUEUE, *(own if names is not None else [])])


def _messages(names: list[str]) -> Iterator[Metric]:
    depths = broker.depths(names)
    if depths == {}:  # no Redis: nothing is known
        return
    yield gauge("celerity_broker_up", "Whether the broker answered.", (), [((), float(depths is not None))])
    held = [((queue,), count) for queue, count in (depths or {}).items()]
    yield gauge("celerity_broker_messages", "Messages in the broker, by queue.", ("queue",), held)
