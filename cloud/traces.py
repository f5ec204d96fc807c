"""OpenTelemetry: one trace from a request to the running domain. Imported only where an endpoint is set."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from apps.common import tracing
from apps.common.tracing import TRACEPARENT, Attributes

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImproperlyConfigured(
        "CELERITY_OTLP_ENDPOINT is set and OpenTelemetry is not installed: pip install -r requirements-otel.txt"
    ) from error

EXPORT_MILLISECONDS = 1000
EXPORT_TIMEOUT_SECONDS = 5
QUIET = ("/healthz", "/metrics")  # asked all the time, by machines
_propagator = TraceContextTextMapPropagator()


class OpenTelemetry:
    """The tracer of ``apps.common.tracing``: made when a process begins its first span, after any fork."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._lock = threading.Lock()
        self._made: tuple[int, trace.Tracer] | None = None

    def tracer(self) -> trace.Tracer:
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                self._made = (os.getpid(), self._make())
            return self._made[1]

    def _make(self) -> trace.Tracer:
        name = settings.DATABASES["default"]["OPTIONS"]["application_name"]
        names = {"service.name": name, "service.namespace": "celerity", "service.instance.id": str(os.getpid())}
        provider = TracerProvider(resource=Resource.create(names))
        exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_SECONDS)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_MILLISECONDS))
        return provider.get_tracer("celerity")

    @contextmanager
    def span(self, name: str, *, parent: str, attributes: Attributes) -> Iterator[None]:
        with self.begin(name, parent=parent, attributes=attributes):
            yield

    def begin(self, name: str, *, parent: str, attributes: Attributes, **more: Any) -> Any:
        """Exceptions are not recorded: their texts may contain confidential data."""
        return self.tracer().start_as_current_span(
            name, context=_context(parent), attributes=_dotted(attributes), record_exception=False,
            set_status_on_exception=False, **more,
        )  # fmt: skip

    def waited(self, name: str, *, parent: str, seconds: float, attributes: Attributes) -> None:
        now = time.time_ns()
        began = now - int(max(seconds, 0.0) * 1e9)
        span = self.tracer().start_span(
            name, context=_context(parent), start_time=began, attributes=_dotted(attributes)
        )  # fmt: skip
        span.end(now)

    def failed(self, cause: str) -> None:
        trace.get_current_span().set_status(trace.StatusCode.ERROR, cause)

    def current(self) -> str:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get(TRACEPARENT, "")


def _context(parent: str) -> Any:
    return _propagator.extract({TRACEPARENT: parent}) if parent else None


def _dotted(attributes: Attributes) -> dict[str, Any]:
    return {f"celerity.{name}": value for name, value in attributes.items()}


TRACER = OpenTelemetry(settings.OTLP_ENDPOINT)


def start() -> None:
    tracing.configure(TRACER)


class TraceMiddleware:
    """A request's span; below the caller's, where the request says so in ``traceparent``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in QUIET:
            return self.get_response(request)
        method = request.method or ""
        about: Attributes = {"request_id": getattr(request, "request_id", "")}
        parent = request.headers.get(TRACEPARENT, "")
        with TRACER.begin(method, parent=parent, attributes=about, kind=trace.SpanKind.SERVER) as span:
            response = self.get_response(request)
            match = request.resolver_match
            route = match.route if match is not None else ""
            span.update_name(f"{method} {route}".strip())
            span.set_attributes(
                {"http.route": route, "http.request.method": method, "http.response.status_code": response.status_code}
            )
            if response.status_code >= 500:
                span.set_status(trace.StatusCode.ERROR)
        return response
