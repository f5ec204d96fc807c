"""Since when this worker could have heard the hosts. Silence before means nothing: power or the database was away.

Only a worker that starts (`begin`) or could not reach the database begins to listen; other processes always have.
"""

import math
import time

from django.conf import settings

_since = -math.inf


def begin() -> None:
    """Count from now: this process has heard nobody yet."""
    global _since
    _since = time.monotonic()


def is_new() -> bool:
    """Return whether a host that works could still be unheard: for as long as a silent host counts as up."""
    return bool(time.monotonic() - _since < settings.HOST_DOWN_SECONDS)
