"""What is left out because no network engine could take it: logged, and collected for a comparison of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

log = structlog.get_logger("celerity.network")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`subject` is a kind of row and its id, as in `port 7d0b…`."""

    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: not programmed: {self.reason}"


_collected: ContextVar[set[Refusal] | None] = ContextVar("refusals", default=None)


def add(subject: str, reason: object) -> None:
    """Note that something is left out. One tenant's values never keep another's from being programmed."""
    refusal = Refusal(subject, str(reason)[:500])
    log.error("not programmed", subject=refusal.subject, error=refusal.reason)
    if (collected := _collected.get()) is not None:
        collected.add(refusal)


@contextmanager
def collecting() -> Iterator[set[Refusal]]:
    """Collect what this thread leaves out during the block."""
    collected: set[Refusal] = set()
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)
