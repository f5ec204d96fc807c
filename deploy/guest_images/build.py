#!/usr/bin/env python3
"""Build a guest image: `python -m deploy.guest_images.build [IMAGE] --output PATH [--work DIR] [--kernel FLAVOUR]`.

Needs Debian 12 on amd64 with the packages in packages.txt, and package lists (`apt-get update`).
An image whose inputs have not changed is left alone. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .builder import disk, modules, packages, shell, stamp
from .tiny.recipe import RECIPE as TINY

RECIPES = {recipe.name: recipe for recipe in (TINY,)}
TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "depmod")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Build a guest image.")
    parser.add_argument("image", nargs="?", choices=sorted(RECIPES), default=TINY.name)
    parser.add_argument("--output", type=Path, required=True, help="the qcow2 file to write")
    parser.add_argument("--work", type=Path, help="folder for downloads; default: beside the output")
    parser.add_argument("--kernel", help="the kernel's flavour; default: the recipe's usual one")
    parser.add_argument("--force", action="store_true", help="build even if nothing has changed")
    options = parser.parse_args(arguments)
    options.recipe = RECIPES[options.image]
    options.kernel = options.kernel or next(iter(options.recipe.kernels))
    if options.kernel not in options.recipe.kernels:
        parser.error(f"--kernel is one of {', '.join(options.recipe.kernels)}")
    options.output = options.output.absolute()
    options.work = (options.work or options.output.parent / f".{options.image}-work").absolute()
    return options


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the work folder alone; a second build waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def unpack(archives: list[packages.Archive], work: Path, scratch: Path) -> tuple[Path, Path]:
    """Fetch and unpack; return the kernel's folder, with its modules indexed, and the userland's."""
    packages.fetch(archives, work / "archives")
    kernels = [archive for archive in archives if archive.package.startswith("linux-image-")]
    others = [archive for archive in archives if archive not in kernels]
    kernel = packages.unpack(kernels, work / "archives", scratch / "kernel")
    modules.index(kernel, modules.version(kernel))
    return kernel, packages.unpack(others, work / "archives", scratch / "userland")


def build(options: argparse.Namespace) -> bool:
    """Build unless the image is up to date; return whether anything was built."""
    shell.require(TOOLS)
    disk.check_host()
    with locked(options.work):
        recipe = options.recipe
        archives = packages.resolve(recipe.kernels[options.kernel], recipe.packages)
        digest = stamp.inputs((Path(__file__).resolve().parent / "builder", recipe.source), archives)
        if not options.force and stamp.matches(options.output, digest):
            return False
        for left in options.work.glob("build-*"):  # by a build that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix="build-", dir=options.work) as scratch:
            kernel, userland = unpack(archives, options.work, Path(scratch))
            raw = recipe.make(kernel, userland, Path(scratch))
            options.output.parent.mkdir(parents=True, exist_ok=True)
            disk.compress(raw, options.output)
        stamp.write(options.output, digest, archives)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the build, print the result, return the exit status."""
    options = parse_arguments(arguments)
    started = time.monotonic()
    try:
        built = build(options)
    except shell.BuildError as error:
        print(f"{options.image}: {error}", file=sys.stderr)
        return 1
    size = options.output.stat().st_size / disk.MIB
    verb = "built" if built else "up to date"
    print(f"{options.image}: {options.output} {verb}, {size:.1f} MiB, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
