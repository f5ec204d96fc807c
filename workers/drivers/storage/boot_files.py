"""The storage contract's part about kernels and ramdisks that are separate images (AMI): copies beside a server's
disks, which live as long as the disk that boots by them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from workers.drivers.errors import SpecInvalid

if TYPE_CHECKING:
    from workers.drivers.storage.base import CachedImage

NAME = re.compile(r"(root|rescue)-(kernel|ramdisk)")
FILE = re.compile(rf"{NAME.pattern}-[0-9a-f]{{16}}")
"""How they are called on a host's file system: with the begin of their SHA-512."""
VARIABLES = re.compile(r"nvram(-secure)?")
"""Copies of the variables of the firmware, which the hypervisor's driver makes; they end with the root disk."""


def file_name(name: str, sha512: str) -> str:
    """Return the name of the file. Raises SpecInvalid for a `name` that is none of the four."""
    if not NAME.fullmatch(name):
        raise SpecInvalid(f"not a boot file: {name!r}")
    return f"{name}-{sha512[:16]}"


class BootFileOperations(ABC):
    """`name` is root-kernel, root-ramdisk, rescue-kernel or rescue-ramdisk. `remove_disk` of the disk removes them."""

    @abstractmethod
    def boot_file(self, server_id: str, name: str, sha512: str) -> str | None:
        """Return the path of a server's file of this content, or None. Cheap."""

    @abstractmethod
    def create_boot_file(self, server_id: str, name: str, image: CachedImage) -> str:
        """Make the server's file from an image of the cache, in the place of an earlier one, and return its path.

        Raises ImageUnavailable, NotEnoughSpace.
        """
