"""/metrics: all metrics at the time of the request."""

from collections.abc import Iterator

import structlog
from django.db import InterfaceError, OperationalError, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apps.operations.metrics import counters, gauges, machine, requests

log = structlog.get_logger("celerity.metrics")


class Cloud(Collector):
    def collect(self) -> Iterator[Metric]:
        """A fixed number of statements; nothing is kept between scrapes."""
        yield gauges.build()
        yield from requests.collect()
        yield from machine.collect()
        try:
            rows = [*counters.collect(), *gauges.collect()]
        except (InterfaceError, OperationalError) as error:
            log.warning("database does not answer", error=type(error).__name__)
            connection.close()
            rows = []
        yield GaugeMetricFamily("celerity_database_up", "Whether the database answered.", value=float(bool(rows)))
        yield from rows


def render() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Cloud())
    return generate_latest(registry)
