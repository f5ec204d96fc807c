"""Isolates an operator's own filter from boots and dry runs: an exception is logged, and no host passes."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from apps.scheduling.filters.base import OTHER_KIND, Filter
from apps.scheduling.specs import HostState, RequestSpec

T = TypeVar("T")
MAX_TOLD = 200  # characters of an exception
log = structlog.get_logger("celerity.scheduling")


class Isolated(Filter):
    """Stands for ``inner`` for one look at hosts. ``failure`` is the exception; the first one is logged."""

    def __init__(self, inner: Filter) -> None:
        self.inner = inner
        self.name, self.reason, self.advice = inner.name, inner.reason, inner.advice
        self.soft_for_forced, self.limits_servers = inner.soft_for_forced, inner.limits_servers

    def applies(self, spec: RequestSpec) -> bool:
        return self._answer(lambda: bool(self.inner.applies(spec)), True, judging=True)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return not self.failure and self._answer(lambda: bool(self.inner.passes(host, spec)), False, judging=True)

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        shortfall = "" if self.failure else self._answer(lambda: str(self.inner.shortfall(host, spec)), "")
        return shortfall or f"could not be judged: the filter {self.name} failed ({self.failure})"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return OTHER_KIND if self.failure else self._answer(lambda: float(self.inner.distance(host, spec)), OTHER_KIND)

    def of_attributes(self, spec: RequestSpec) -> bool:
        return self._answer(lambda: bool(self.inner.of_attributes(spec)), False)

    def most_servers(self, host: HostState) -> int | None:
        return self._answer(lambda: self._number(self.inner.most_servers(host)), None)

    def narrow(self, spec: RequestSpec) -> frozenset[str] | None:
        return self._answer(lambda: self._names(self.inner.narrow(spec)), None)

    @staticmethod
    def _number(value: int | None) -> int | None:
        return None if value is None else int(value)

    @staticmethod
    def _names(value: frozenset[str] | None) -> frozenset[str] | None:
        return None if value is None else frozenset(value)

    def _answer(self, ask: Callable[[], T], otherwise: T, *, judging: bool = False) -> T:
        """Return the answer, or ``otherwise``. If it was ``judging``, no host passes for that reason."""
        try:
            return ask()
        except Exception as error:
            if not self.failure:
                log.exception("a filter failed: no host passes it", filter=self.name)
            self.failure = f"{type(error).__name__}: {error}"[:MAX_TOLD]
            if judging:
                self.reason = f"that the filter {self.name} could not judge"
                self.advice = "Ask your operator: a filter of the scheduler fails."
            return otherwise
