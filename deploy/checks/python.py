"""Debian's Python and the virtual environment."""

import subprocess
import sys
from pathlib import Path

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import REPOSITORY, Environment


def check(environment: Environment) -> Finding:
    program = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    asked = subprocess.run([program, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    version = tuple(int(part) for part in asked.stdout.split())
    text = f"{program} is {'.'.join(map(str, version))}"
    if version < (3, 11):
        return fail(text, "Celerity needs Python 3.11 or newer.")
    if not (REPOSITORY / ".venv" / ".installed-base").exists():
        return warn(f"{text}; the virtual environment is not complete", "make up completes it.")
    return ok(f"{text}; the virtual environment is complete")
