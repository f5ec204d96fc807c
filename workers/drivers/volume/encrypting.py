"""The part of the volume contract that is about encrypted volumes: containers in exports that this host has open.

The host that works with one has its key for the call. One exception to the rules: a call that fails may have changed
the content.
"""

from __future__ import annotations

from threading import Event

from workers.drivers.volume import encryption
from workers.drivers.volume.encryption import DiskKey
from workers.drivers.volume.specs import Export, FromImage


class Encrypting:
    """Pools of real bytes have all of it from QEMU."""

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
