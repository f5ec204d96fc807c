"""Kernel modules: copying chosen ones with everything that they depend on."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import shell


def version(kernel: Path) -> str:
    """Return the release of the one kernel unpacked under `kernel`."""
    releases = sorted(path.name for path in (kernel / "lib/modules").iterdir())
    if len(releases) != 1:
        raise shell.BuildError(f"expected one kernel, found {releases or 'none'}")
    return releases[0]


def index(kernel: Path, release: str) -> None:
    """Write the module index, which Debian's package leaves to its installation."""
    shell.run("depmod", "-b", kernel, release)


def parse_dependencies(text: str) -> dict[str, list[str]]:
    """Read a `modules.dep`: module name to the paths of its file and of all that it needs."""
    table = {}
    for line in text.splitlines():
        path, _, needed = line.partition(":")
        name = Path(path).name.partition(".ko")[0].replace("-", "_")
        table[name] = [path, *needed.split()]
    return table


def closure(table: dict[str, list[str]], names: list[str]) -> list[str]:
    """Return the files for `names`; a name that is built in, or not of this kernel, adds none."""
    return sorted({path for name in names for path in table.get(name.replace("-", "_"), ())})


def install(kernel: Path, target: Path, names: list[str]) -> None:
    """Copy `names` and what they need from the indexed `kernel` into `target`, with their own index."""
    release = version(kernel)
    source = kernel / "lib/modules" / release
    folder = target / "lib/modules" / release
    folder.mkdir(parents=True)
    table = parse_dependencies((source / "modules.dep").read_text())
    for path in closure(table, names):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, folder / path)
    for listing in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copyfile(source / listing, folder / listing)
    index(target, release)
    # busybox reads the text index only
    for entry in folder.iterdir():
        if entry.name not in ("modules.dep", "modules.alias", "kernel"):
            entry.unlink()
