"""Hosts: how many are up, their heartbeats and their usage."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from apps.scheduling.sql.capacity import DISK, IS_UP, RAM, VCPUS

RESOURCES = (("vcpus", "vCPUs"), ("ram_mib", "RAM in MiB"), ("disk_gib", "Disk in GiB"))
STATES = ("up", "down", "disabled")


def _use(total: str) -> str:
    """Return the columns of usage and capacity; ``total`` is "sum", or "" for one host."""
    return f"""
       coalesce({total}(i.vcpus_used), 0)::bigint AS vcpus_used,
       coalesce({total}({VCPUS}), 0)::bigint AS vcpus_capacity,
       coalesce({total}(i.ram_used), 0)::bigint AS ram_mib_used,
       coalesce({total}({RAM}), 0)::bigint AS ram_mib_capacity,
       coalesce({total}(i.disk_used), 0)::bigint AS disk_gib_used,
       coalesce({total}({DISK}), 0)::bigint AS disk_gib_capacity
"""


_AGE = "greatest(extract(epoch FROM clock_timestamp() - h.heartbeat_at), 0)::float8"
_FROM = "FROM scheduling_host h LEFT JOIN scheduling_inventory i ON i.host_id = h.id"
_TOTALS = f"""
SELECT count(*) AS hosts, count(*) FILTER (WHERE h.enabled AND {IS_UP}) AS up,
       count(*) FILTER (WHERE h.enabled AND NOT ({IS_UP})) AS down, count(*) FILTER (WHERE NOT h.enabled) AS disabled,
       coalesce(max({_AGE}) FILTER (WHERE h.enabled AND NOT h.forced_down), 0) AS age, {_use("sum")} {_FROM}
"""
_EACH = f"""
SELECT h.name, h.enabled AND {IS_UP} AS up, {_AGE} AS age, coalesce(i.servers, 0) AS servers, {_use("")}
       {_FROM} ORDER BY h.name LIMIT %(limit)s
"""


def _rows(statement: str) -> list[dict[str, Any]]:
    values = {"down": settings.HOST_DOWN_SECONDS, "limit": settings.METRICS_HOSTS}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def totals() -> dict[str, Any]:
    """Return the whole cloud's counts. 1 statement."""
    return _rows(_TOTALS)[0]


def each(totals: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return each host, or None where there are more than the setting METRICS_HOSTS. At most 1 statement."""
    return _rows(_EACH) if totals["hosts"] <= settings.METRICS_HOSTS else None


def collect(totals: dict[str, Any]) -> Iterator[Metric]:
    """Yield the cloud's hosts and capacity."""
    states = GaugeMetricFamily("celerity_hosts", "Hosts by state; disabled ones count as such only.", labels=["state"])
    for state in STATES:
        states.add_metric([state], totals[state])
    yield states
    text = "The longest silence among the agents of enabled hosts, in seconds."
    yield GaugeMetricFamily("celerity_heartbeat_age_seconds", text, value=totals["age"])
    for resource, unit in RESOURCES:
        family = GaugeMetricFamily(f"celerity_{resource}", f"{unit} claimed and there.", labels=["kind"])
        for kind in ("used", "capacity"):
            family.add_metric([kind], totals[f"{resource}_{kind}"])
        yield family


def collect_each(hosts: list[dict[str, Any]] | None) -> Iterator[Metric]:
    """Yield each host's state and capacity; nothing where there are too many."""
    gauges = (
        ("up", "up", "Whether the host is enabled and its agent is heard of."),
        ("heartbeat_age_seconds", "age", "Since the agent's last heartbeat, in seconds."),
        ("servers", "servers", "Servers that have claimed a part of the host."),
    )
    for name, key, text in gauges if hosts is not None else ():
        family = GaugeMetricFamily(f"celerity_host_{name}", text, labels=["host"])
        for host in hosts or ():
            family.add_metric([host["name"]], float(host[key]))
        yield family
    for resource, unit in RESOURCES if hosts is not None else ():
        family = GaugeMetricFamily(f"celerity_host_{resource}", f"{unit} by host.", labels=["host", "kind"])
        for host in hosts or ():
            for kind in ("used", "capacity"):
                family.add_metric([host["name"], kind], host[f"{resource}_{kind}"])
        yield family
