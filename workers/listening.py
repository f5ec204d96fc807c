"""Since when this worker could have heard the hosts. Silence before means nothing: power or the database was away.

Only a worker that starts (`begin`) or could not reach the database begins to listen; other processes always have.
"""

import math
import time

from django.conf import settings

LONGEST_SECONDS = 30.0  # half of what a step that chooses a host may take
_since = -math.inf


def begin() -> None:
    """Count from now: this process has heard nobody yet."""
    global _since
    _since = time.monotonic()


def is_new() -> bool:
    """Return whether a host that works could still be unheard."""
    return time.monotonic() - _since < patience()


def patience() -> float:
    """Return how long a host that works is waited for: as a silent one counts as up, within limits; in seconds."""
    return float(min(settings.HOST_DOWN_SECONDS, LONGEST_SECONDS))
