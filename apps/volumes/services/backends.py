"""Enabling and disabling hosts' back ends for new volumes."""

from apps.common import audit
from apps.volumes.exceptions import ServiceHostNotFound
from apps.volumes.models import DisabledBackend
from apps.volumes.selectors import backends as selectors


def set_enabled(*, host: str, binary: str, enabled: bool, reason: str = "") -> None:
    """Let a host's back ends have new volumes, or not. ``host``: "h", or "h@backend" for one of them.

    Raises ServiceHostNotFound (404).
    """
    rows = selectors.everything(host=host) if host and binary == selectors.BINARY else []
    if not rows:
        raise ServiceHostNotFound(host=host[:64])
    for row in rows:
        off = DisabledBackend.objects.filter(host=row.host, backend=row.backend)
        if enabled:
            off.delete()
        else:
            DisabledBackend.objects.update_or_create(host=row.host, backend=row.backend, defaults={"reason": reason})
        audit.record("enable" if enabled else "disable", "backend", row.name)
