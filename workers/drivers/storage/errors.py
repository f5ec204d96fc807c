"""Errors of images and disks: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class StorageUnavailable(RetryableError):
    """The host's file system or a tool on it refused."""

    default_code = "storage_unavailable"


class NotEnoughSpace(RetryableError):
    """This host has too little disk space left."""

    default_code = "not_enough_space"


class ImageUnavailable(RetryableError):
    """The image's data cannot be fetched from its source now."""

    default_code = "image_unavailable"


class ImageCorrupt(AbortError):
    """The received data is not the image's: size or SHA-512 differs."""

    default_code = "image_corrupt"


class ImageUnsafe(AbortError):
    """The image is in another format than declared, or refers to other files."""

    default_code = "image_unsafe"


class DiskTooSmall(AbortError):
    """The flavor's disk is smaller than the image."""

    default_code = "disk_too_small"


class ImageInUse(RetryableError):
    """A server's disk is based on this cached image; it cannot be evicted."""

    default_code = "image_in_use"


class FilesMissing(AbortError):
    """The server's files are not where they should be."""

    default_code = "files_missing"


class SendingFailed(RetryableError):
    """A snapshot could not be sent to the image store now."""

    default_code = "sending_failed"


class SnapshotRefused(AbortError):
    """The image store refused a snapshot."""

    default_code = "snapshot_refused"


class TransferFailed(RetryableError):
    """The disks of a server could not be read from another host now."""

    default_code = "transfer_failed"
