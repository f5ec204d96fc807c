"""Counters since the cloud began: runs, boots, steps, and actions of sweeper and reconcilers."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from apps.workflow.selectors import counters


class Counter(NamedTuple):
    """A metric, and the name under which the rows count it; their labels are its labels with blanks between."""

    name: str
    counted: str
    labels: tuple[str, ...]
    text: str


COUNTERS = (
    Counter("celerity_boots", "boots", ("result", "cause"), "Builds of servers that ended, and why those that failed."),
    Counter("celerity_runs", "runs", ("pipeline", "result"), "Runs of pipelines that ended."),
    Counter("celerity_steps", "steps", ("pipeline", "step", "result"), "Attempts of steps that ended."),
    Counter(
        "celerity_reconciler_findings", "reconciler_findings", ("kind",), "Differences that reconcilers found, by kind."
    ),
    Counter("celerity_sweeper_actions", "sweeper_actions", ("what",), "What the sweeper did, by reason."),
    Counter(
        "celerity_periodic_rounds", "periodic_rounds", (), "Grows by one a minute while beat and a scheduler live."
    ),
    Counter("celerity_messages_dropped", "messages_dropped", ("reason",), "Stale or doubled messages, by reason."),
)


class Histogram(NamedTuple):
    """``counted``: labels and the upper bound of a bucket; ``summed``: labels, in milliseconds."""

    name: str
    counted: str
    summed: str
    labels: tuple[str, ...]
    text: str


HISTOGRAMS = (
    Histogram(
        "celerity_boot_seconds", "boot_seconds", "boot_ms", (), "From a server's acceptance to ACTIVE, in seconds."
    ),
    Histogram(
        "celerity_step_waiting_seconds", "step_waiting", "step_waiting_ms", ("pipeline", "step"),
        "How long a step waited in its queue, in seconds.",
    ),
    Histogram(
        "celerity_step_working_seconds", "step_working", "step_working_ms", ("pipeline", "step"),
        "How long a step worked, in seconds.",
    ),
)  # fmt: skip


def collect() -> Iterator[Metric]:
    """2 statements."""
    counts = counters.everything()
    for counter in COUNTERS:
        yield _counter(counter, counts.get(counter.counted, {}))
    for histogram in HISTOGRAMS:
        yield _histogram(histogram, counts.get(histogram.counted, {}), counts.get(histogram.summed, {}))


def _counter(counter: Counter, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.text, labels=counter.labels)
    for label, value in values.items():
        family.add_metric(_split(label, len(counter.labels)), value)
    return family


def _split(label: str, parts: int) -> list[str]:
    values = label.split(" ", parts - 1)
    return [*values, *[""] * (parts - len(values))]


def _histogram(histogram: Histogram, counts: Mapping[str, int], sums: Mapping[str, int]) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.text, labels=histogram.labels)
    series: dict[str, dict[float, int]] = {}
    for label, value in counts.items():
        key, _, bound = label.rpartition(" ")
        series.setdefault(key, dict.fromkeys((*counters.BOUNDS, float("inf")), 0))[float(bound)] = value
    for key, buckets in series.items():
        bounds = sorted(buckets)
        totals = accumulate(buckets[bound] for bound in bounds)
        lines = [("+Inf" if bound == float("inf") else repr(bound), float(total)) for bound, total in zip(
            bounds, totals, strict=True)]  # fmt: skip
        family.add_metric(
            _split(key, len(histogram.labels)) if histogram.labels else [], lines, sums.get(key, 0) / 1000
        )
    return family
