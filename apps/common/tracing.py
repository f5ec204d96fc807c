"""Spans of a trace, where somebody configured a tracer; else nothing happens and nothing is loaded.

A run carries its trace (``params["traceparent"]``, W3C's text), so that a resent step belongs to the same trace.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

TRACEPARENT = "traceparent"
Attributes = Mapping[str, str | int | float | bool]


class Tracer(Protocol):
    """The interface of ``cloud.traces``."""

    def span(self, name: str, *, parent: str, attributes: Attributes) -> AbstractContextManager[None]: ...

    def waited(self, name: str, *, parent: str, seconds: float, attributes: Attributes) -> None: ...

    def failed(self, cause: str) -> None: ...

    def current(self) -> str: ...


_tracer: Tracer | None = None


def configure(tracer: Tracer | None) -> None:
    """Called once at start, where an endpoint is set."""
    global _tracer
    _tracer = tracer


def enabled() -> bool:
    return _tracer is not None


def span(name: str, *, parent: str = "", **attributes: str | int | float | bool) -> AbstractContextManager[None]:
    """Return a context whose time is a span below ``parent``, or below the span around it."""
    return nullcontext() if _tracer is None else _tracer.span(name, parent=parent, attributes=attributes)


def waited(name: str, *, parent: str, seconds: float, **attributes: str | int | float | bool) -> None:
    """Record a span that began ``seconds`` ago and ends now."""
    if _tracer is not None:
        _tracer.waited(name, parent=parent, seconds=seconds, attributes=attributes)


def failed(cause: str) -> None:
    """Mark the span around as failed. ``cause`` is a name, never a message: messages may be confidential."""
    if _tracer is not None:
        _tracer.failed(cause)


def carried(params: dict[str, Any]) -> dict[str, Any]:
    """Return a run's params with the trace of the request that starts it."""
    if _tracer is None:
        return params
    current = _tracer.current()
    return {**params, TRACEPARENT: current} if current else params


def parent_of(params: Any) -> str:
    """Return the trace that a run's params carry, or ""."""
    parent = params.get(TRACEPARENT, "") if isinstance(params, Mapping) else ""
    return parent if isinstance(parent, str) else ""


class Traced:
    """A driver, each of whose calls is a span named ``<kind>.<method>``."""

    def __init__(self, kind: str, driver: Any) -> None:
        self._kind, self._driver = kind, driver

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._driver, name)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            with span(f"{self._kind}.{name}"):
                return value(*args, **kwargs)

        return call
