"""The stamp beside an image: from which inputs it was made, so that an unchanged one is not rebuilt."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from .packages import Archive


def inputs(sources: Iterable[Path], archives: list[Archive]) -> str:
    """Return the digest of our own files under the `sources` and of the packages' versions."""
    total = hashlib.sha256()
    for source in sources:
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                total.update(f"{path.relative_to(source)} {path.stat().st_mode & 0o100}\0".encode())
                total.update(path.read_bytes() + b"\0")
    for archive in archives:
        total.update(f"{archive.name} {archive.digest}\0".encode())
    return total.hexdigest()


def _path(image: Path) -> Path:
    return image.with_name(f"{image.name}.stamp")


def _digest(image: Path) -> str:
    with image.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def matches(image: Path, digest: str) -> bool:
    """Whether `image` is whole and was made from the inputs `digest`."""
    try:
        stamp: dict[str, str] = json.loads(_path(image).read_text())
        return (stamp["inputs"], stamp["sha256"]) == (digest, _digest(image))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write(image: Path, digest: str, archives: list[Archive]) -> None:
    """Note beside `image` that it was made from the inputs `digest`."""
    stamp = {
        "inputs": digest,
        "sha256": _digest(image),
        "packages": [archive.name for archive in archives],
    }
    partial = _path(image).with_suffix(".part")
    partial.write_text(json.dumps(stamp, indent=1) + "\n")
    os.replace(partial, _path(image))
