"""Errors of a pool of volumes: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class PoolUnavailable(RetryableError):
    """The pool's file system, or a program on it, refused."""

    default_code = "pool_unavailable"


class StorageHostSilent(PoolUnavailable):
    """The host that has the volume does not do what it is asked."""

    default_code = "storage_host_silent"


class StorageHostDown(AbortError):
    """The host that has the volume is down: wherever the server is, it cannot have it."""

    default_code = "storage_host_down"


class PortTaken(PoolUnavailable):
    """Another program listens on the port that an export was to have."""

    default_code = "port_taken"


class PoolBusy(RetryableError):
    """Another operation on the volume is under way."""

    default_code = "pool_busy"


class PoolFull(RetryableError):
    """The pool has too little free space left."""

    default_code = "pool_full"


class SourceUnavailable(RetryableError):
    """The image, snapshot or volume to create from is not in this pool."""

    default_code = "source_unavailable"


class VolumeNotFound(AbortError):
    """The pool has no volume of this id."""

    default_code = "volume_not_found"


class SnapshotNotFound(AbortError):
    """The volume has no snapshot of this id."""

    default_code = "snapshot_not_found"


class VolumeTooSmall(AbortError):
    """The volume would be smaller than its source, or than it is."""

    default_code = "volume_too_small"


class VolumeInUse(AbortError):
    """The volume is exported; the operation needs it free."""

    default_code = "volume_in_use"


class TooManySnapshots(AbortError):
    """The volume's chain of files has reached its limit."""

    default_code = "too_many_snapshots"


class NotSupported(AbortError):
    """The pool cannot do this with a volume of this format."""

    default_code = "volume_not_supported"


class KeyUnavailable(RetryableError):
    """The key of an encrypted volume cannot be had now."""

    default_code = "volume_key_unavailable"


class NotUnmanaged(AbortError):
    """The pool has nothing of that name that could be taken over."""

    default_code = "not_unmanaged"
