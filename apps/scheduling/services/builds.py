"""How builds went on hosts: consecutive failures are counted, and the weigher ``build_failure`` avoids those hosts."""

import time

from django.db.models import F

from apps.scheduling.models import Host

LOOK_SECONDS = 5.0
# Host -> when this process last made sure that its count is 0. A boot that succeeds costs no statement while that is
# fresh: a failure that another process counted meanwhile is forgiven by the first success after it.
_clean: dict[str, float] = {}


def failed(*, host: str) -> None:
    """Count a build that failed for the host's fault."""
    _clean.pop(host, None)
    Host.objects.filter(name=host).update(failed_builds=F("failed_builds") + 1)


def succeeded(*, host: str) -> None:
    """Reset the host's failed builds. Costs a statement every few seconds at most."""
    now = time.monotonic()
    if now - _clean.get(host, -LOOK_SECONDS) < LOOK_SECONDS:
        return
    Host.objects.filter(name=host, failed_builds__gt=0).update(failed_builds=0)
    _clean[host] = now
