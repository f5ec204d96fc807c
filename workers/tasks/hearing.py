"""Schedulers that come before the hosts' heartbeats, after the power or a database was away."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.selectors import hosts
from workers import listening
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import StepContext

T = TypeVar("T")
RECENT_SECONDS = 60.0
PAUSE_SECONDS = 0.5


def chosen(ctx: StepContext, choose: Callable[[], T], refusal: Callable[[StepContext, NoValidHost], Abort]) -> T:
    """Return what ``choose`` chooses among the hosts that are heard. Raises ``refusal`` where it finds none."""
    try:
        return among_heard(ctx, choose)
    except NoValidHost as error:
        raise refusal(ctx, error) from error


def among_heard(ctx: StepContext, choose: Callable[[], T]) -> T:
    """Choose a host. Where all have fallen silent together, wait for one of them, and choose once more.

    Raises NoValidHost.
    """
    try:
        return choose()
    except NoValidHost:
        if not _are_unheard(RECENT_SECONDS):
            raise
    deadline = time.monotonic() + listening.patience()
    while _are_unheard(2 * RECENT_SECONDS) and time.monotonic() < deadline:
        if ctx.stop.wait(PAUSE_SECONDS):
            raise LeaseLost
    return choose()


def _are_unheard(seconds: float) -> bool:
    """Return whether no host is up, though some were in the last ``seconds``, or this worker is new."""
    return hosts.are_silent_together(seconds=math.inf if listening.is_new() else seconds)
