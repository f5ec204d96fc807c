"""The `openstack` and `nova` commands, run in this process: a new interpreter for each would cost a second."""

import contextlib
import io
import json
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinderclient.shell import OpenStackCinderShell
from novaclient.shell import OpenStackComputeShell
from openstackclient.shell import OpenStackShell
from osc_lib.clientmanager import ClientCache, ClientManager

PROGRAMS = Path(sys.executable).parent
LONGEST_PAUSE_SECONDS = 0.2
_sleep = time.sleep


def _pause(seconds: float) -> None:
    """Stands for ``time.sleep`` while a command runs: with --wait and --poll they look every five seconds."""
    _sleep(min(seconds, LONGEST_PAUSE_SECONDS))


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    code: int
    output: str
    errors: str


@contextlib.contextmanager
def _surroundings(environment: dict[str, str], directory: Path) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Give a command its own environment, directory and streams, and take the handlers away that it leaves."""
    before, where = dict(os.environ), Path.cwd()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    output, errors = io.StringIO(), io.StringIO()
    try:
        time.sleep = _pause
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            yield output, errors
    finally:
        time.sleep = _sleep
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)
        root.handlers[:] = handlers
        root.setLevel(level)


class Commands:
    """Both commands as one person with one project."""

    def __init__(self, *, auth: dict[str, str], directory: Path) -> None:
        self.directory = directory
        names = {f"OS_{key.upper()}": value for key, value in auth.items()}
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "CELERITY_"))}
        self.environment = {**plain, **names, "OS_REGION_NAME": "RegionOne", "HOME": str(directory)}

    def done(self, line: str) -> Done:
        """Run an ``openstack`` command, given as one would type it."""
        for one in vars(ClientManager).values():
            if isinstance(one, ClientCache):
                one._handle = None  # kept for a process's life: that of the command before
        with _surroundings(self.environment, self.directory) as (output, errors):
            try:
                code = OpenStackShell().run(shlex.split(line))
            except SystemExit as end:
                code = int(end.code or 0)
        return Done(code, output.getvalue(), errors.getvalue())

    def __call__(self, line: str) -> str:
        """Return what a command that succeeds prints."""
        done = self.done(line)
        assert done.code == 0, f"openstack {line}: {done.errors}{done.output}"
        return done.output

    def json(self, line: str) -> Any:
        return json.loads(self(f"{line} -f json"))

    def refused(self, line: str) -> str:
        """Return what a command that fails says."""
        done = self.done(line)
        assert done.code != 0, f"openstack {line}: {done.output}"
        return done.errors

    def nova(self, line: str) -> str:
        """Return what a ``nova`` command that succeeds prints."""
        done = self.other("nova", line)
        assert done.code == 0, f"nova {line}: {done.errors}{done.output}"
        return done.output

    def other(self, program: str, line: str) -> Done:
        """Run a command of ``nova`` or ``cinder``: they raise what their programs print as an error."""
        shell = {"nova": OpenStackComputeShell, "cinder": OpenStackCinderShell}[program]
        code = 0
        with _surroundings(self.environment, self.directory) as (output, errors):
            try:
                shell().main(shlex.split(line))
            except SystemExit as end:
                code = int(end.code or 0)
            except Exception as error:  # the program prints it, and ends with 1
                code = 1
                errors.write(str(error))
        return Done(code, output.getvalue(), errors.getvalue())

    def subprocess(self, program: str, line: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a user does, in a separate process."""
        return subprocess.run(
            [str(PROGRAMS / program), *shlex.split(line)],
            env=self.environment, cwd=self.directory, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


def table(text: str) -> list[list[str]]:
    """Return the cells of a table as ``nova`` prints it, without its heading."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def fields(text: str) -> dict[str, str]:
    """Return a two-column table as ``nova`` prints it."""
    return {row[0]: row[1] for row in table(text)}
