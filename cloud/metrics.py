"""The cloud in numbers, counted from the rows: right in any process, whichever served the requests."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_COUNTS = {
    "celerity_servers": (
        "Servers by vm_state.",
        "vm_state",
        "SELECT vm_state, count(*) FROM compute_server WHERE deleted_at IS NULL GROUP BY 1",
    ),
    "celerity_runs_active": (
        "Runs that have not ended, by pipeline.",
        "pipeline",
        "SELECT pipeline, count(*) FROM workflow_run WHERE state IN ('queued','running','reverting') GROUP BY 1",
    ),
    "celerity_hosts": (
        "Hosts by state.",
        "state",
        "SELECT CASE WHEN NOT enabled THEN 'disabled' WHEN forced_down OR heartbeat_at < now() - interval '20 s' "
        "THEN 'down' ELSE 'up' END, count(*) FROM scheduling_host GROUP BY 1",
    ),
    "celerity_vcpus": (
        "vCPUs claimed and there.",
        "kind",
        "SELECT k, v FROM (SELECT coalesce(sum(vcpus_used), 0) u, coalesce(sum(floor((vcpus - vcpus_reserved) * "
        "vcpus_ratio)), 0) c FROM scheduling_inventory) t, LATERAL (VALUES ('used', u), ('capacity', c)) x(k, v)",
    ),
    "celerity_ram_mib": (
        "RAM in MiB claimed and there.",
        "kind",
        "SELECT k, v FROM (SELECT coalesce(sum(ram_used), 0) u, coalesce(sum(floor((ram_mib - ram_reserved) * "
        "ram_ratio)), 0) c FROM scheduling_inventory) t, LATERAL (VALUES ('used', u), ('capacity', c)) x(k, v)",
    ),
    "celerity_reconciler_findings_open": (
        "Differences that were found and are still there, by kind.",
        "kind",
        "SELECT kind, count(*) FROM workflow_finding WHERE resolved_at IS NULL GROUP BY 1",
    ),
}

# Counters are tallies of rare events: name of the metric -> (text, label, name of the tally).
_TALLIES = {
    "celerity_reconciler_findings": ("Differences that reconcilers found, by kind.", "kind", "reconciler_findings"),
    "celerity_sweeper_actions": ("What the sweeper did, by reason.", "what", "sweeper_actions"),
    "celerity_messages_dropped": ("Stale or doubled messages, by reason.", "reason", "messages_dropped"),
}
_TALLIED = "SELECT label, value FROM workflow_tally WHERE name = %s"


class Rows(Collector):
    def collect(self) -> Iterator[Metric]:
        """One statement per metric; nothing is kept between scrapes."""
        for name, (text, label, statement) in _COUNTS.items():
            family = GaugeMetricFamily(name, text, labels=[label])
            with connection.cursor() as cursor:
                cursor.execute(statement)
                for key, value in cursor.fetchall():
                    family.add_metric([str(key)], float(value))
            yield family
        for name, (text, label, tally) in _TALLIES.items():
            counter = CounterMetricFamily(name, text, labels=[label])
            with connection.cursor() as cursor:
                cursor.execute(_TALLIED, [tally])
                for key, value in cursor.fetchall():
                    counter.add_metric([str(key)], float(value))
            yield counter


def render() -> bytes:
    registry = CollectorRegistry()
    registry.register(Rows())
    return generate_latest(registry)
