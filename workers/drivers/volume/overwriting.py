"""Writes an image over the content of an open export."""

from __future__ import annotations

from threading import Event

from workers.drivers.errors import Stopped
from workers.drivers.volume.errors import PoolFull, PoolUnavailable, VolumeTooSmall
from workers.drivers.volume.specs import Export, FromImage
from workers.system import nbd, processes

_SPAN = 1 << 30
TIMEOUT_S = 3 * 3600.0


def write(export: Export, image: FromImage, stop: Event | None = None) -> None:
    """Let the export read as the image, and as zeros behind it. Repeated, it gives the same.

    The export is emptied first: of the image, what is zeros is not written then. Raises VolumeTooSmall (nothing has
    changed), PoolFull, PoolUnavailable, Stopped.
    """

    def check() -> None:
        if stop is not None and stop.is_set():
            raise Stopped("Writing the image was stopped.")

    try:
        with nbd.Client(export.socket, export.name) as client:
            if client.size < image.virtual_size:
                raise VolumeTooSmall(
                    "The volume is too small for its image.", details=f"{image.virtual_size} bytes in {client.size}"
                )
            for start in range(0, client.size, _SPAN):
                check()
                client.zero(start, min(_SPAN, client.size - start))
            client.flush()
    except nbd.NbdError as error:
        raise PoolUnavailable("The volume could not be emptied.", details=str(error)) from error
    form = "raw" if image.format == "iso" else image.format
    target = f"driver=raw,file.driver=nbd,file.server.type=unix,file.server.path={escaped(export.socket)}"
    argv = ["qemu-img", "convert", "-q", "-n", "--target-is-zero", "-f", form, image.path, "--target-image-opts"]
    try:
        processes.run(
            [*argv, f"{target},file.export={export.name}"], timeout_s=TIMEOUT_S, memory_limit_mib=4096, poll=check
        )
    except processes.ProcessError as error:
        if "No space left" in error.details:
            raise PoolFull("The host has no space for the volume.", details=error.details) from error
        raise PoolUnavailable("The image could not be written to the volume.", details=error.details) from error


def escaped(text: str) -> str:
    """QEMU's options end at a comma."""
    return text.replace(",", ",,")
