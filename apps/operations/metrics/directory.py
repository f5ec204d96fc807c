"""The directory in which the API's processes keep their counts of requests, so that each can return the sum."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported: `prepare` comes before that
_locks: list[int] = []  # held open for as long as this process and those forked from it live


def prepare() -> None:
    """Choose ``<state>/run/metrics`` and empty it, unless processes of the same API are at work there.

    Without a place that can be written each process counts for itself.
    """
    place = Path(settings.STATE_DIR) / "run" / "metrics"
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    _locks.append(handle)
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for old in place.glob("*.db"):  # of an API that ended
            old.unlink(missing_ok=True)
    fcntl.flock(handle, fcntl.LOCK_SH)
    os.environ[VARIABLE] = str(place)
