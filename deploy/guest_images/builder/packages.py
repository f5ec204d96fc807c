"""Debian packages: in which version, fetched and unpacked without installing.

Nothing here touches the host's own packages: `apt-get download` only puts the archives into the
work folder and `dpkg-deb -x` only unpacks them, so no kernel is installed on the host.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import shell

_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<name>\S+) (?P<size>\d+)(?: (?P<kind>\w+):(?P<sum>\w+))?")


def _package(name: str) -> str:
    return name.partition("_")[0]


@dataclasses.dataclass(frozen=True)
class Archive:
    """One .deb as the package lists describe it. `size` is in bytes; `digest` may be empty."""

    name: str
    size: int
    algorithm: str
    digest: str

    @property
    def package(self) -> str:
        """The package's name, the archive name's first field."""
        return _package(self.name)

    def is_at(self, path: Path) -> bool:
        """Whether `path` holds this archive, whole."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.algorithm not in hashlib.algorithms_available:
            return True
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, self.algorithm).hexdigest() == self.digest


def kernel_package(meta: str) -> str:
    """Return the concrete kernel package that Debian's package `meta` depends on now."""
    for line in shell.run("apt-cache", "depends", meta).splitlines():
        field, _, name = line.strip().partition(": ")
        if field == "Depends" and name.startswith("linux-image-"):
            return name
    raise shell.BuildError(f"{meta} names no kernel; run apt-get update")


def parse_uris(listing: str) -> list[Archive]:
    """Read the lines of `apt-get --print-uris download`; other lines are left out."""
    archives = []
    for match in filter(None, map(_URI.match, listing.splitlines())):
        algorithm = (match["kind"] or "").lower()
        archives.append(Archive(match["name"], int(match["size"]), algorithm, match["sum"] or ""))
    return sorted(archives, key=lambda archive: archive.name)


def resolve(kernel: str, others: Sequence[str]) -> list[Archive]:
    """Return the archives of a kernel's meta package and of `others` today, without downloading them."""
    wanted = [kernel_package(kernel), *others]
    archives = parse_uris(shell.run("apt-get", "--print-uris", "download", *wanted))
    absent = set(wanted) - {archive.package for archive in archives}
    if absent:
        raise shell.BuildError(f"no source for {', '.join(sorted(absent))}; run apt-get update")
    return archives


def fetch(archives: list[Archive], folder: Path) -> None:
    """Download `archives` into `folder`, except those that are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [archive for archive in archives if not archive.is_at(folder / archive.name)]
    if not wanted:
        return
    for old in folder.glob("*.deb"):
        if _package(old.name) in {archive.package for archive in wanted}:
            old.unlink()
    # The sandbox user of apt cannot write into the work folder; the archives' digests are checked below.
    sandbox = ("-o", "APT::Sandbox::User=root")
    shell.run("apt-get", "-q", *sandbox, "download", *(a.package for a in wanted), cwd=folder)
    broken = [archive.name for archive in wanted if not archive.is_at(folder / archive.name)]
    if broken:
        raise shell.BuildError(f"not what the package lists promise: {', '.join(broken)}")


def unpack(archives: list[Archive], folder: Path, target: Path) -> Path:
    """Unpack `archives` from `folder` into a fresh `target` and return it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for archive in archives:
        shell.run("dpkg-deb", "-x", folder / archive.name, target)
    return target
