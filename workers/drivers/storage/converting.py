"""Turns an image of another format into qcow2, under limits. Only for files no guest has written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.drivers.storage.errors import ImageUnsafe, StorageUnavailable
from workers.system import files, processes

_DRIVERS = {"vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx"}
_LIMITS: dict[str, Any] = {"timeout_s": 700, "memory_limit_mib": 1024, "cpu_limit_s": 600}
_SHORT: dict[str, Any] = {"timeout_s": 60, "memory_limit_mib": 1024, "cpu_limit_s": 30}
_SLACK = 1 << 25  # bytes by which a format's own rounding may enlarge a disk


def to_qcow2(path: Path, disk_format: str, size: int, check: Callable[[], object]) -> int:
    """Replace the file by one of qcow2 with the same content; return its virtual size in bytes.

    QEMU gets the format, the file, and the word that there is no backing file: it opens no other. ``size``: the
    virtual size that was read before, which QEMU's may not exceed. ``check`` is called meanwhile, and may raise. Raises
    ImageUnsafe.
    """
    node = {"driver": _DRIVERS[disk_format], "file": {"driver": "file", "filename": str(path)}, "backing": None}
    json_node = f"json:{json.dumps(node)}"
    if _virtual_size(json_node) > size + _SLACK:
        raise ImageUnsafe("The image's format cannot be told.", details=f"QEMU sees more than {size} bytes")
    with files.appearing(path) as made:
        _run(["qemu-img", "convert", "-q", "-O", "qcow2", json_node, str(made)], {**_LIMITS, "poll": check})
        return _virtual_size("-f", "qcow2", str(made))


def _virtual_size(*words: str) -> int:
    return int(json.loads(_run(["qemu-img", "info", "--output=json", *words], _SHORT))["virtual-size"])


def _run(argv: list[str], limits: dict[str, Any]) -> bytes:
    try:
        return processes.run(argv, **limits).stdout
    except processes.ProgramMissing as error:
        raise StorageUnavailable("The host cannot convert the image.", details=error.details) from error
    except processes.ProcessError as error:
        raise ImageUnsafe("The image cannot be opened by QEMU.", details=error.details or error.message) from error
