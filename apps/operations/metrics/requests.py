"""How long requests take, by route, method and class of the status. A few microseconds a request."""

import os
import time
from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from apps.operations.metrics import directory

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
NO_ROUTE = "(none)"  # a path that no route matches: whatever was asked for, it is one label

LATENCY = Histogram(
    "celerity_api_request_seconds",
    "From a request's arrival in the API to its answer, in seconds.",
    ["route", "method", "status"],
    buckets=BOUNDS,
    registry=None,
)
_series: dict[tuple[str, str, int], Callable[[float], None]] = {}


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request. ``route`` is a pattern of the route table, never a path."""
    key = (route, method, status // 100)
    series = _series.get(key)
    if series is None:
        known = method if method in METHODS else "other"
        series = LATENCY.labels(route, known, f"{status // 100}xx").observe
        if known == method:  # made-up methods must not fill the memory
            _series[key] = series
    series(seconds)


class LatencyMiddleware:
    """The outermost layer. A streamed answer counts until its first byte."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else NO_ROUTE
        observe(route or "/", request.method or "", response.status_code, time.perf_counter() - started)
        return response


def collect() -> Iterable[Metric]:
    """Return the counts of all processes of this API since it started."""
    place = os.environ.get(directory.VARIABLE)
    if place is None:
        return LATENCY.collect()
    return MultiProcessCollector(CollectorRegistry(), path=place).collect()  # type: ignore[no-any-return,no-untyped-call]
