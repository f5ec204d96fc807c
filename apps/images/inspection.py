"""Inspects a stream of image data while it passes: hashes, size, format. Pure: no rows, no Django.

The format is read by oslo.utils' inspectors, never by a program that would open what a header points to.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apps.images import qcow2, states

if TYPE_CHECKING:  # loaded where data arrives: agents and the scheduler, which inspect nothing, save 6 MiB each
    from oslo_utils.imageutils import format_inspector

# The inspectors log tenants' data; the refusal contains it already.
logging.getLogger("oslo_utils.imageutils.format_inspector").setLevel(logging.CRITICAL)

HEAD = TAIL = 4096  # bytes of a stream that are kept
# Formats that QEMU detects by their first bytes and the inspectors do not know (QEMU's block/*.c, *_probe).
SIGNATURES = {
    b"COWD": "vmdk (COWD)",
    b"WithoutFreeSpace": "parallels",
    b"WithouFreSpacExt": "parallels",
    b"Bochs Virtual HD Image": "bochs",
    b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop": "cloop",
}
DMG_TRAILER = 512  # bytes, beginning with "koly"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes: ...


class Refused(Exception):
    """The data is not acceptable; the text says why."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """``size`` and ``virtual_size`` in bytes."""

    size: int
    virtual_size: int
    md5: str
    sha512: str


class Inspector:
    """Passes a stream through hashes and format inspectors, chunk by chunk."""

    def __init__(self, source: Readable) -> None:
        from oslo_utils.imageutils import format_inspector

        self._wrapper = format_inspector.InspectWrapper(source)  # type: ignore[arg-type]
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha512 = hashlib.sha512()
        self._head = self._tail = b""
        self.size = 0

    def read(self, size: int) -> bytes:
        """Return the next chunk; b"" at the end."""
        chunk = self._wrapper.read(size)
        self._md5.update(chunk)
        self._sha512.update(chunk)
        self.size += len(chunk)
        if len(self._head) < HEAD:
            self._head = (self._head + chunk[:HEAD])[:HEAD]
        if chunk:
            self._tail = (self._tail + chunk[-TAIL:])[-TAIL:]
        return chunk

    def finish(self, declared: str, path: str, *, sealed: bool = False) -> Inspection:
        """Return the result once the stream has ended and is stored in ``path``. ``sealed``: it is an encrypted
        volume's, and no guest reads it without the key. Raises Refused.
        """
        self._wrapper.close()
        virtual_size = self.size
        if self.size:  # an image without a byte is no disk of any format
            virtual_size = self._examine(declared, path, sealed)
        return Inspection(
            size=self.size, virtual_size=virtual_size, md5=self._md5.hexdigest(), sha512=self._sha512.hexdigest()
        )

    def _examine(self, declared: str, path: str, sealed: bool) -> int:
        """Return the virtual size in bytes of a safe image in the declared format. Raises Refused."""
        known = _signature(self._head, self._tail)
        if known and not (known == "vmdk" and declared == "vmdk"):
            raise Refused(f"disk_format is {declared}, but the content is {known}")
        inspector = _match(self._wrapper.formats or [], declared, sealed)
        if inspector is None:
            return self.size
        _check_safe(inspector)
        if declared == "qcow2":
            with open(path, "rb") as stream:
                fault = qcow2.fault(stream, self.size)
            if fault:
                raise Refused(fault)
        return int(inspector.virtual_size)


def _match(
    inspectors: list[format_inspector.FileInspector], declared: str, sealed: bool
) -> format_inspector.FileInspector | None:
    """Return the inspector of the declared format, None for raw data. Raises Refused for data in another format.

    A raw disk may hold a partition table, and an ISO image one too (hybrid); nothing else may be two things at once.
    """
    names = {inspector.NAME for inspector in inspectors}
    if declared == "raw" or declared in states.AMAZON_FORMATS:
        if names <= {"raw", "gpt"} or (sealed and names == {"luks"}):
            return None
    elif names == {declared} or (declared == "iso" and names == {"iso", "gpt"}):
        return next(inspector for inspector in inspectors if declared == inspector.NAME)
    content = "raw" if names == {"gpt"} else ", ".join(sorted(names)) or "nothing known"
    raise Refused(f"disk_format is {declared}, but the content is {content}")


def _signature(head: bytes, tail: bytes) -> str | None:
    """Return the format that QEMU would detect although the inspectors do not, or None."""
    for magic, name in SIGNATURES.items():
        if head.startswith(magic):
            return name
    if tail[-DMG_TRAILER:].startswith(b"koly"):
        return "dmg"
    return "vmdk" if _is_vmdk_text(head) else None


def _is_vmdk_text(head: bytes) -> bool:
    """Return whether QEMU would detect a VMDK descriptor: comments, then a version (block/vmdk.c, vmdk_probe).

    The inspector overlooks a descriptor that is padded with zeros.
    """
    for line in head.split(b"\n"):
        text = line.strip(b" \r\t")
        if text and not text.startswith(b"#"):
            return text.lower().startswith(b"version=")
    return False


def _check_safe(inspector: format_inspector.FileInspector) -> None:
    from oslo_utils.imageutils import format_inspector

    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        reasons = "; ".join(str(failure) for failure in error.failures.values())
        raise Refused(f"the {inspector.NAME} content is not safe: {reasons}") from None
    except format_inspector.ImageFormatError as error:
        raise Refused(f"the {inspector.NAME} content is not valid: {error}") from None


def copy(source: Readable, write: Callable[[bytes], object], *, cap: int, chunk_size: int) -> Inspector:
    """Copy a stream through an inspector. Raises OverflowError once it is longer than ``cap`` bytes."""
    inspector = Inspector(source)
    while chunk := inspector.read(chunk_size):
        if inspector.size > cap:
            raise OverflowError(cap)
        write(chunk)
    return inspector
