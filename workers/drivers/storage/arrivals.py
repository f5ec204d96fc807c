"""The storage contract's part about servers that move while they run: the hypervisor copies their disks into new ones.

The source's agent hands the destination what it needs to know (`workers.system.peers`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from threading import Event

from workers.system.peers.client import Peer


class ArrivalOperations(ABC):
    """Disks of servers that arrive on this host, or leave it."""

    @abstractmethod
    def describe_disks(self, server_id: str) -> bytes:
        """On the source: return what `prepare_disks` has to know of a server's files, which only drivers read.

        Raises FilesMissing.
        """

    @abstractmethod
    def handed_file(self, server_id: str, name: str) -> Path:
        """On the source: return the path of a file that the destination asks for by this name. Raises FilesMissing."""

    @abstractmethod
    def prepare_disks(self, server_id: str, source: Peer, stop: Event) -> None:
        """On the destination: have empty disks as the source has them, on the same images, and copies of its small
        files.

        The images are in the cache, or the source has them. Disks that are there are left alone. Raises NotEnoughSpace
        where the host has no room for what is on the source's disks, ImageUnavailable, StorageUnavailable, and Stopped
        within 5 s after `stop` is set; call `remove_server` then.
        """

    @abstractmethod
    def receive_images(self, server_id: str, source: Peer, stop: Event) -> None:
        """On the destination: have the images that the server's disks lie on, from the source, where no other has them.

        Raises ImageUnavailable, StorageUnavailable, and Stopped within 5 s after `stop` is set.
        """

    @abstractmethod
    def keep_console(self, server_id: str, text: bytes) -> None:
        """Put the console's text from the source before what the guest has written here."""
