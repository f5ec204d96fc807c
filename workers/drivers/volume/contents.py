"""The part of the volume contract that is about the content of exports that this host has open (`open_export`,
`connect`): images, and the containers of encrypted volumes.

The host that works with a container has its key for the call. One exception to the rules: a call that fails may have
changed the content.
"""

from __future__ import annotations

from threading import Event
from typing import ClassVar

from workers.drivers.volume import encryption, overwriting
from workers.drivers.volume.encryption import DiskKey
from workers.drivers.volume.specs import Export, FromImage


class Contents:
    """Pools of real bytes have all of it from QEMU: a driver without them has its own."""

    named: ClassVar[str] = "real_bytes"

    def write_image(self, export: Export, image: FromImage, stop: Event | None = None) -> None:
        """Let the export read as the image, and as zeros behind it. Snapshots keep their content.

        Raises VolumeTooSmall, PoolFull, PoolUnavailable.
        """
        overwriting.write(export, image, stop)

    def encrypt(self, export: Export, key: DiskKey, size_bytes: int) -> None:
        """Make an empty container, which this key opens. What was in the export cannot be read any more.

        Raises PoolFull, PoolUnavailable.
        """
        encryption.format_volume(export, key, size_bytes)

    def write_encrypted(self, export: Export, image: FromImage, key: DiskKey, stop: Event | None = None) -> None:
        """Write an image to a container. Raises VolumeTooSmall (nothing has changed), PoolFull, PoolUnavailable."""
        encryption.write_image(export, image, key, stop)

    def copy_encrypted(
        self, source: Export, target: Export, keys: tuple[DiskKey | None, DiskKey | None], stop: Event | None = None
    ) -> None:
        """Let the target read as the source does, each by its key; None: it is in clear text.

        Raises PoolFull, PoolUnavailable.
        """
        encryption.copy(source, target, keys, stop)
