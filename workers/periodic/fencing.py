"""Fencing: a host that is silent for long is switched off by the operator's command, and counts as dead then.

Nobody guesses that a host is dead: it is forced down only once the command ended with 0.
"""

import shlex
import time

import structlog
from django.conf import settings

from apps.common import audit
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import hosts
from workers.system import processes

log = structlog.get_logger("celerity.fencing")
COMMAND_SECONDS = 30.0
_tried: dict[str, float] = {}  # when this process tried to fence a host


def fence() -> int:
    """Fence one silent host; the next round does the next, so that one that fails keeps none waiting. Returns how many
    were.

    At least half of the hosts have to be heard all the time: else it is rather this machine, or the database, that
    hears nobody, or has only begun to.
    """
    if not settings.FENCE_COMMAND:
        return 0
    now = selectors.hearing(seconds=settings.FENCE_AFTER)
    if now.silent and now.heard * 2 < now.count:
        log.error("no host fenced: too few are heard", silent=len(now.silent), heard=now.heard, hosts=now.count)
        return 0
    silent = now.silent
    return sum(_fence(name) for name in sorted(silent, key=lambda name: _tried.get(name, 0.0))[:1])


def _fence(name: str) -> bool:
    _tried[name] = time.monotonic()
    try:
        processes.run([*shlex.split(settings.FENCE_COMMAND), name], timeout_s=COMMAND_SECONDS)
    except processes.ProcessError as error:
        log.error("host not fenced", host=name, error=error.message, details=error.details[:500])
        return False
    if not selectors.is_silent(name=name, seconds=settings.FENCE_AFTER):
        log.error("not forced down: the host is heard again", host=name)
        return False
    with audit.action("service.fence", "host", name):
        hosts.update(name=name, forced_down=True)
    log.warning("host fenced", host=name)
    return True
