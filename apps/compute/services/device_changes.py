"""Changes of a server's devices, which come in bunches: one is made after the other, and clients need not know."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from apps.common.exceptions import CloudError
from apps.compute.actions import ATTACH_INTERFACE, ATTACH_VOLUME, DETACH_INTERFACE, DETACH_VOLUME, SWAP_VOLUME
from apps.compute.exceptions import ServerInUse

E = TypeVar("E", bound=CloudError)
_CHANGES = (ATTACH_INTERFACE, DETACH_INTERFACE, ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME)
ACTIONS = tuple(action.name for action in _CHANGES)
BUSY_SECONDS = 10.0  # how long a change waits for one of another device of the server
# As many requests of a process may wait so: half of its threads serve others.
_WAITING = threading.BoundedSemaphore(max(1, settings.API_THREADS // 2))
_POLL_SECONDS = 0.05


def one_at_a_time(work: Callable[[], None]) -> None:
    """Begin a change once no other device of the server changes: a run has the server for itself.

    Raises ServerInUse (409) after BUSY_SECONDS, or at once if something else works on the server.
    """
    when_free(work, ServerInUse, lambda error: error.values["user"] in ACTIONS)


def when_free(work: Callable[[], None], refusal: type[E], passes: Callable[[E], bool]) -> None:
    """Do what is refused for a moment; ``passes`` says of a refusal whether that is so.

    Raises it after BUSY_SECONDS, or at once where too many requests wait.
    """
    try:
        return work()
    except refusal as error:
        if not passes(error) or not _WAITING.acquire(blocking=False):
            raise
    try:
        _wait_and(work, refusal, passes)
    finally:
        _WAITING.release()


def _wait_and(work: Callable[[], None], refusal: type[E], passes: Callable[[E], bool]) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            return work()
        except refusal as error:
            if not passes(error) or time.monotonic() > deadline:
                raise
