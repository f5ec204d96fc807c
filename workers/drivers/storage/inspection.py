"""Detects an image file's format, and whether it is safe for guests. Only for files no guest has written to."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from workers.drivers.storage.base import CONVERTED
from workers.drivers.storage.errors import ImageUnsafe

# In place of oslo's decryption of LUKS, which is for callers with a passphrase: it would load cryptography, 7 MiB in
# each agent.
sys.modules.setdefault("oslo_utils.imageutils._luks", cast(Any, SimpleNamespace(LUKSHeader=dict)))
from oslo_utils.imageutils import format_inspector  # noqa: E402

_CHUNK = 64 * 1024

# Formats that may be detected for a declared format. Bytes with a partition table are a raw disk; an ISO that boots
# from a disk as well has one too.
_ALLOWED: dict[str, tuple[frozenset[str], ...]] = {
    "qcow2": (frozenset({"qcow2"}),),
    "raw": (frozenset({"raw"}), frozenset({"gpt"}), frozenset({"luks"})),  # the last of encrypted volumes
    "iso": (frozenset({"iso"}), frozenset({"iso", "gpt"})),
    **{name: (frozenset({name}),) for name in CONVERTED},
}
# Formats that can refer to other files or contain inconsistent data: these are checked completely.
_CHECKED = ("qcow2", *CONVERTED)
_VMDK_HEAD = 1 << 20  # bytes that hold QEMU's view of a descriptor
_VMDK_CAPACITY = slice(12, 20)


def inspect(path: Path, declared: str) -> int:
    """The virtual size in bytes of a safe file in the declared format.

    Raises ImageUnsafe when the content is of another format (or of two at once), has a backing or a data file, or
    features this version does not know.
    """
    try:
        inspectors = _detect(path)
        names = frozenset(str(item) for item in inspectors)
        if names not in _ALLOWED[declared]:
            raise ImageUnsafe(
                f"The image was declared as {declared}, and is not.",
                details=f"found {', '.join(sorted(names))}",
            )
        for inspector in inspectors:
            if str(inspector) in _CHECKED:
                inspector.safety_check()
                if declared == "vmdk":
                    _check_vmdk(path)
                return int(inspector.virtual_size)
    except format_inspector.SafetyCheckFailed as error:
        raise ImageUnsafe("The image refers to files outside of itself.", details=str(error.failures)) from error
    except format_inspector.ImageFormatError as error:
        raise ImageUnsafe("The image's format cannot be told.", details=str(error)) from error
    return path.stat().st_size


def _check_vmdk(path: Path) -> None:
    """Refuse a parent, and a header without a size, for which QEMU reads the names of extents in other files."""
    with path.open("rb") as stream:
        head = stream.read(_VMDK_HEAD)
    if b"parentfilenamehint" in head.lower() or not any(head[_VMDK_CAPACITY]):
        raise ImageUnsafe("The image refers to files outside of itself.", details="a VMDK's parent or extents")


def _detect(path: Path) -> list[format_inspector.FileInspector]:
    with path.open("rb") as stream:
        wrapper = format_inspector.InspectWrapper(stream)
        try:
            while wrapper.read(_CHUNK):
                if wrapper.formats is not None:
                    break
        finally:
            wrapper.close()
    return list(wrapper.formats or ())
