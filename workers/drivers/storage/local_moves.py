"""Disks on a host's own file system that move to another, and copies that are kept beside them for a return."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import values
from workers.drivers.errors import SpecInvalid, Stopped
from workers.drivers.storage import boot_files, transfers
from workers.drivers.storage.base import CachedImage, Disk, ServerSource, check_disk_name
from workers.drivers.storage.errors import (
    DiskTooSmall,
    FilesMissing,
    ImageUnavailable,
    NotEnoughSpace,
    StorageUnavailable,
    TransferFailed,
)
from workers.drivers.storage.local_snapshots import NO_POOL, LocalSnapshots, load_disk, on_disk
from workers.drivers.storage.transfers import Receiver, SentFile
from workers.system import files, processes

KEPT, UNFINISHED = "kept", ".kept"  # directories of a server's
CONSOLE, CONSOLE_BYTES = "console.log", 1 << 20
SWAP = "swap"
_GIB = 1 << 30
_COPIED = re.compile(r"root|ephemeral[0-9]{1,2}")
# Beside them the state of the server's TPM, and the variables of its firmware.
_ALONG = re.compile(rf"{boot_files.FILE.pattern}|tpm|{boot_files.VARIABLES.pattern}")
# qcow2 has tables beside the data: a disk that was written all over is longer than its guest sees it.
_LONGEST = 1.02
_LONGEST_MORE = 64 << 20
_LIMITS: dict[str, Any] = {
    "timeout_s": 3600, "cpu_limit_s": 3600, "memory_limit_mib": 1024, "dies_with_caller": True,
}  # fmt: skip


class LocalMoves(LocalSnapshots):
    """A part of LocalStorage. `pki` is the directory of this host's certificate."""

    pki: Path | None

    def send_server(self, server_id: str, write: Callable[[bytes], object]) -> None:
        """The console's log goes with the disks: its last MiB."""
        entries = []
        for path in self._disks(server_id):
            disk = load_disk(path.with_name(f"{path.name}.json"))
            if disk is not None:
                entries.append((transfers.described(path, asdict(disk)), path))
        if not entries:
            raise FilesMissing("The disks of the server are not on its host.", details=server_id)
        transfers.send([*entries, *self._small_files(server_id)], write)

    def _small_files(self, server_id: str) -> list[tuple[SentFile, Path]]:
        """What goes along with a server's disks, the console's log at last."""
        entries = [
            (transfers.described(path), path)
            for path in sorted(self._directory(server_id).iterdir())
            if _ALONG.fullmatch(path.name)
        ]
        log = self.paths.console_log(server_id)
        if log.is_file() and log.stat().st_size <= CONSOLE_BYTES:
            entries.append((transfers.described(log), log))
        return entries

    def receive_server(self, server_id: str, source: ServerSource, stop: Event) -> None:
        directory = self._directory(server_id)
        receiver = Receiver(source, transfers.context(self.pki, server=False), stop)
        try:
            with on_disk():
                files.remove_tree(directory)  # of an attempt whose process was killed
                self._make_directories(server_id)
            if all(entry.disk is None for entry in receiver.head):
                raise FilesMissing(NO_POOL, details=server_id)
            self._check_room(sum(entry.data for entry in receiver.head))
            for entry in receiver.head:
                self._receive(server_id, receiver, entry)
        except BaseException:
            with suppress(OSError):
                files.remove_tree(directory)
            raise
        finally:
            receiver.close()

    def _receive(self, server_id: str, receiver: Receiver, entry: SentFile) -> None:
        path = self.paths.instance(server_id) / _name(entry)
        if entry.disk is None:
            receiver.receive(entry, path, self.check_reserve)
            return
        disk = self._disk_here(path, entry.disk)
        if entry.length > disk.size_bytes * _LONGEST + _LONGEST_MORE:
            raise TransferFailed("The server's host sent more than it said.", details=entry.name)
        if disk.backing_path is not None and not Path(disk.backing_path).exists():
            raise ImageUnavailable("The image of the server's disk is not on the host.", details=disk.backing_path)
        with on_disk():
            files.write(path.with_name(f"{path.name}.json"), json.dumps(asdict(disk)).encode())
        receiver.receive(entry, path, self.check_reserve)
        if disk.backing_path is not None:  # the header names the other host's file
            base = disk.backing_format or "raw"
            _tool(["qemu-img", "rebase", "-q", "-u", "-f", disk.format, "-F", base, "-b", disk.backing_path, str(path)])

    def _disk_here(self, path: Path, record: Any) -> Disk:
        """Return the record of a received disk: the other host says its format, size and image, not where they are."""
        try:
            disk = Disk(**record)
            if disk.format not in ("qcow2", "raw") or disk.backing_format not in (None, "qcow2", "raw"):
                raise ValueError(f"{disk.format} on {disk.backing_format}")
            values.check_range(disk.size_bytes, "a disk's size in bytes", 1, 1 << 50)
            backing = disk.backing_path
            if backing is not None:
                values.check_sha512(Path(backing).name)
                backing = str(self.paths.images / Path(backing).name)
            return replace(disk, path=str(path), backing_path=backing)
        except (TypeError, ValueError, SpecInvalid) as error:
            raise TransferFailed("The server's host answered in another form.", details=str(error)) from error

    def keep_server(self, server_id: str, stop: Event) -> None:
        """Extents are shared with the disks where the file system can."""
        directory = self._directory(server_id)
        if (directory / KEPT).is_dir():
            return
        disks = self._disks(server_id)
        if not disks:
            raise FilesMissing("The disks of the server are not on its host.", details=server_id)
        self._check_room(sum(path.stat().st_blocks * 512 for path in disks))
        check = self._check_of(stop)
        unfinished = directory / UNFINISHED
        with on_disk():
            files.remove_tree(unfinished)
            files.make_directory(unfinished, 0o700)
        try:
            for path in disks:
                for item in (path, path.with_name(f"{path.name}.json")):
                    _tool(["cp", "--reflink=auto", "--sparse=always", "--", str(item), str(unfinished)], poll=check)
            with on_disk():
                unfinished.rename(directory / KEPT)
        finally:
            files.remove_tree(unfinished)

    def return_server(self, server_id: str) -> None:
        """Links are made first, so that a repeated call finds all copies; the directory goes at once."""
        directory = self._directory(server_id)
        kept = directory / KEPT
        with on_disk():
            if kept.is_dir():
                names = {item.name for item in kept.iterdir()}
                for name in sorted(names):
                    with files.appearing(directory / name) as temporary:
                        os.link(kept / name, temporary)
                for path in self._disks(server_id):
                    if path.name not in names:
                        self._remove(path)
                self._remove(directory / SWAP)
            self.forget_kept(server_id)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)

    def forget_kept(self, server_id: str) -> None:
        directory = self._directory(server_id)
        with on_disk():
            files.remove_tree(directory / UNFINISHED)
            with suppress(FileNotFoundError):
                (directory / KEPT).rename(directory / UNFINISHED)
            files.remove_tree(directory / UNFINISHED)

    def list_kept(self) -> tuple[str, ...]:
        return tuple(
            item
            for item in self.list_servers()
            if any((self.paths.instance(item) / name).is_dir() for name in (KEPT, UNFINISHED))
        )

    def unpack_root(self, server_id: str, image: CachedImage, size_gib: int, stop: Event) -> None:
        path, size = self._directory(server_id) / "root", size_gib * _GIB
        if load_disk(path.with_name("root.json")) is not None and path.exists():
            return
        if size and image.virtual_size > size:
            raise DiskTooSmall("The flavor's disk is too small for the image.", details=f"{size_gib} GiB")
        disk = Disk(str(path), "qcow2", size or -(-image.virtual_size // 512) * 512)
        with on_disk():
            self._make_directories(server_id)
            self._check_room(Path(image.path).stat().st_blocks * 512)
            files.write(path.with_name("root.json"), json.dumps(asdict(disk)).encode())
            with files.appearing(path) as temporary:
                command = ["qemu-img", "convert", "-q", "-f", image.format, "-O", "qcow2", image.path, str(temporary)]
                _tool(command, poll=self._check_of(stop))
                _tool(["qemu-img", "resize", "-q", "-f", "qcow2", str(temporary), str(disk.size_bytes)])

    def grow_disk(self, server_id: str, name: str, size_gib: int) -> None:
        """The record is written behind the disk: a call that was killed is repeated."""
        path = self._directory(server_id) / check_disk_name(name)
        record = path.with_name(f"{name}.json")
        disk, size = load_disk(record), size_gib * _GIB
        if disk is None or not path.exists():
            raise FilesMissing("The disk of the server is not on its host.", details=f"{name} of {server_id}")
        if disk.size_bytes >= size:
            return
        with on_disk():
            if disk.format == "raw":
                os.truncate(path, size)
            else:
                _tool(["qemu-img", "resize", "-q", "-f", disk.format, str(path), str(size)])
            files.write(record, json.dumps(asdict(replace(disk, size_bytes=size))).encode())

    def _disks(self, server_id: str) -> list[Path]:
        """Return the disks that move with a server. Swap holds nothing that outlives a guest that is off."""
        directory = self._directory(server_id)
        paths = directory.iterdir() if directory.is_dir() else ()
        return sorted(path for path in paths if _COPIED.fullmatch(path.name) and path.is_file())

    def _directory(self, server_id: str) -> Path:
        values.check_uuid(server_id, "a server's id")
        return self.paths.instance(server_id)

    def _check_of(self, stop: Event) -> Callable[[], None]:
        def check() -> None:
            if stop.is_set():
                raise Stopped("The copy was stopped.")
            self.check_reserve()

        return check

    def _check_room(self, wanted: int) -> None:
        if shutil.disk_usage(self.paths.instances).free < wanted + self.reserved_bytes:
            raise NotEnoughSpace("The host has no space for the server.", details=f"{wanted} bytes wanted")


def _name(entry: SentFile) -> str:
    """Return the name of a received file: of a disk, of what goes along, or of the console's log."""
    is_disk = entry.disk is not None and _COPIED.fullmatch(entry.name)
    is_along = entry.disk is None and _ALONG.fullmatch(entry.name)
    is_console = entry.disk is None and entry.name == CONSOLE and entry.length <= CONSOLE_BYTES
    if not (is_disk or is_along or is_console):
        raise TransferFailed("The server's host sent a file that is none of a server's.", details=entry.name[:100])
    return entry.name


def _tool(argv: list[str], poll: Callable[[], None] | None = None) -> None:
    try:
        processes.run(argv, **_LIMITS, poll=poll)
    except processes.ProcessError as error:
        if "No space left" in error.details:
            raise NotEnoughSpace("The host has no space for the server.", details=error.details) from error
        raise StorageUnavailable("The host could not copy the disk.", details=error.details or error.message) from error
