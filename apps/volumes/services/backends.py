"""Enabling and disabling hosts' back ends for new volumes, and their backup services."""

from apps.common import audit
from apps.volumes.exceptions import NoBackupService, ServiceHostNotFound
from apps.volumes.models import DisabledBackend
from apps.volumes.selectors import backends as selectors


def set_enabled(*, host: str, binary: str, enabled: bool, reason: str = "") -> None:
    """Let a host's back ends have new volumes, or not. ``host``: "h", or "h@backend" for one of them; "h" alone for its
    backup service.

    Raises ServiceHostNotFound (404).
    """
    meant = _meant(host, binary) if host else []
    if not meant:
        raise ServiceHostNotFound(host=host[:64])
    for name, backend in meant:
        off = DisabledBackend.objects.filter(host=name, backend=backend)
        if enabled:
            off.delete()
        else:
            DisabledBackend.objects.update_or_create(host=name, backend=backend, defaults={"reason": reason})
        audit.record("enable" if enabled else "disable", "backend", f"{name}@{backend}" if backend else name)


def _meant(host: str, binary: str) -> list[tuple[str, str]]:
    """Return the host and the back end of each service that a request names."""
    if binary == selectors.BACKUP_BINARY:
        return [(row.host, selectors.BACKUPS) for row in selectors.backup_services(host=host)]
    return [(row.host, row.backend) for row in selectors.everything(host=host) if binary == selectors.BINARY]


def check_backups(*, host: str) -> None:
    """Raise NoBackupService (503) where a host's backup service is disabled."""
    if host in selectors.disabled_hosts(backend=selectors.BACKUPS):
        raise NoBackupService
