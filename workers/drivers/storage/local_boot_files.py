"""Kernels and ramdisks of servers on a host's own file system: copies, which share extents where that can."""

from __future__ import annotations

import shutil
from pathlib import Path

from workers.drivers.storage import boot_files
from workers.drivers.storage.base import CachedImage
from workers.drivers.storage.errors import ImageUnavailable
from workers.drivers.storage.local_snapshots import LocalSnapshots, on_disk
from workers.system import files


class LocalBootFiles(LocalSnapshots):
    """A part of LocalStorage."""

    def boot_file(self, server_id: str, name: str, sha512: str) -> str | None:
        path = self._path(server_id, boot_files.file_name(name, sha512))
        return path if Path(path).is_file() else None

    def create_boot_file(self, server_id: str, name: str, image: CachedImage) -> str:
        path, source = Path(self._path(server_id, boot_files.file_name(name, image.sha512))), Path(image.path)
        if not source.is_file():
            raise ImageUnavailable("The image is not on the host.", details=image.sha512)
        with on_disk():
            self._make_directories(server_id)
            self._check_space(source.stat().st_size)
            self._remove_boot_files(server_id, name)
            with files.appearing(path) as temporary:
                shutil.copyfile(source, temporary)
        return str(path)

    def _remove_boot_files(self, server_id: str, name: str) -> None:
        """Remove a file by its name, or with a disk's name all of that disk; with root's the variables of the firmware
        that its system wrote.
        """
        for path in Path(self._path(server_id, name)).parent.glob(f"{name}-*"):
            if boot_files.FILE.fullmatch(path.name):
                path.unlink(missing_ok=True)
        for path in Path(self._path(server_id, name)).parent.glob("nvram*") if name == "root" else ():
            if boot_files.VARIABLES.fullmatch(path.name):
                path.unlink(missing_ok=True)
