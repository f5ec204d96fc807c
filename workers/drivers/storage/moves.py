"""The storage contract's third part: disks that go to another host, or are kept as they were before a resize."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.drivers.storage.base import CachedImage


@dataclass(frozen=True, slots=True)
class ServerSource:
    """The host that has a server's files, where its agent answers, and a request for them, signed just now."""

    host: str
    url: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class MoveOperations(ABC):
    """Operations on the disks of servers whose guests are off."""

    @abstractmethod
    def receive_server(self, server_id: str, source: ServerSource, stop: Event) -> None:
        """Copy the server's disks and its console log from another host, where they stay. Swap is left out.

        Success: this host has them as that one has, on images in its cache. A copy that fails or is stopped leaves
        no file here. It raises Stopped within 5 s after `stop` is set, and FilesMissing, ImageUnavailable,
        NotEnoughSpace, TransferFailed (retryable).
        """

    @abstractmethod
    def send_server(self, server_id: str, write: Callable[[bytes], object]) -> None:
        """Write what another host's `receive_server` reads. Raises FilesMissing before it writes, OSError then."""

    @abstractmethod
    def keep_server(self, server_id: str, stop: Event) -> None:
        """Keep copies of the server's disks as they are now. Copies that are there already are left alone.

        Raises Stopped within 5 s after `stop` is set, FilesMissing, NotEnoughSpace: then none are kept.
        """

    @abstractmethod
    def return_server(self, server_id: str) -> None:
        """Make the kept copies the server's disks; others go. Without copies nothing happens. Swap is made again."""

    @abstractmethod
    def forget_kept(self, server_id: str) -> None:
        """Remove the kept copies. Absent is success."""

    @abstractmethod
    def list_kept(self) -> tuple[str, ...]:
        """The ids of the servers of which this host keeps copies, or a part of them."""

    @abstractmethod
    def unpack_root(self, server_id: str, image: CachedImage, size_gib: int, stop: Event) -> None:
        """Make the server's root disk a copy of the cached image, which it does not lie on. One that exists is kept.

        `size_gib` 0 means the image's own virtual size. Raises Stopped, DiskTooSmall, NotEnoughSpace.
        """

    @abstractmethod
    def grow_disk(self, server_id: str, name: str, size_gib: int) -> None:
        """Give the disk at least `size_gib`; it never gets smaller. Raises FilesMissing, NotEnoughSpace."""
