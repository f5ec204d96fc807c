"""What an image is made of: a recipe names its packages, and makes a raw disk of them once they are unpacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """`kernels`: flavour to Debian's meta package, the usual one first. `make(kernel, userland, scratch)` gets the
    folders of the unpacked packages and returns the raw disk. `source` is the folder of the recipe's own files.
    """

    name: str
    source: Path
    kernels: Mapping[str, str]
    packages: tuple[str, ...]
    make: Callable[[Path, Path, Path], Path]
