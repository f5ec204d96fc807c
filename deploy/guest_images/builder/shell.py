"""Running the host's tools: the one place of this build that starts a process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

TIMEOUT = 600
"""Seconds that one tool may take; the kernel's download is the longest."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""`mke2fs`, `depmod` and `mkfs.vfat` live in sbin, which an ordinary user's PATH leaves out."""


class BuildError(Exception):
    """The image cannot be built; the message says what the operator can do."""


def require(tools: Sequence[str]) -> None:
    """Raise `BuildError` naming every tool of `tools` that the host lacks."""
    missing = [tool for tool in tools if shutil.which(tool, path=PATH) is None]
    if missing:
        raise BuildError(f"missing tools: {', '.join(missing)}; install the Debian packages in packages.txt")


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run `command` and return its standard output. Raises `BuildError` with its output."""
    environ = {**os.environ, "LC_ALL": "C", "PATH": PATH, **(env or {})}
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(arguments, cwd=cwd, env=environ, capture_output=True, text=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{arguments[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise BuildError(f"{' '.join(arguments[:3])} failed ({done.returncode}): {said}")
    return done.stdout
