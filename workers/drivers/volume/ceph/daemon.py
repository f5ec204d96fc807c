"""Exports of images by NBD, for what reads and writes volumes on a host itself: backups. Guests need none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.drivers.volume.local.daemon import Daemon
from workers.drivers.volume.local.records import Chain

NODE = "rbd"
CHAIN: Chain = (NODE,)


class ImageDaemon(Daemon):
    """The daemon of one image: its only node is the image."""

    def __init__(self, directory: Path, *, conf: Path, user: str, pool: str, image: str) -> None:
        """Remember what to open; nothing is touched. The key is in the file that `conf` names."""
        super().__init__(directory, directory)
        self._image = {"conf": str(conf), "user": user, "pool": pool, "image": image}

    def _nodes(self, chain: Chain) -> list[dict[str, Any]]:
        return [{"driver": "rbd", "node-name": f"n{NODE}", "discard": "unmap", **self._image}]
