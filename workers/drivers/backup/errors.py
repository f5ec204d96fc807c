"""Errors of a store of backups: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class StoreUnavailable(RetryableError):
    """The store refused, or does not answer."""

    default_code = "backup_store_unavailable"


class StoreFull(RetryableError):
    """The store has no space left."""

    default_code = "backup_store_full"


class BackupMissing(RetryableError):
    """The store has no whole backup of this id. Another host may see another directory."""

    default_code = "backup_missing"


class BackupDamaged(AbortError):
    """The store's data is not what was written."""

    default_code = "backup_damaged"


class VolumeTooSmall(AbortError):
    """The backup does not fit into the volume."""

    default_code = "volume_too_small"
