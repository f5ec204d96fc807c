"""Runs `manage.py NAME …` with the environment and account of the cloud's processes."""

import subprocess
import sys

from deploy.environment import REPOSITORY, Environment
from deploy.errors import DeployError


def run(environment: Environment, *arguments: str, timeout: float = 300) -> str:
    """Run one management command; return its output. Raises DeployError with its last lines when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY, env=environment.for_processes(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=timeout,
    )  # fmt: skip
    if done.returncode != 0:
        raise DeployError(f"manage.py {arguments[0]} failed.", details="\n".join(done.stdout.splitlines()[-25:]))
    return done.stdout
