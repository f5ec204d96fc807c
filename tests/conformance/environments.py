"""Tempest's own virtual environments, one per version, in the cache that outlives a checkout's state."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.environment import cache_directory
from deploy.errors import DeployError

HERE = Path(__file__).resolve().parent
KEPT_LINES = 25


def requirements(version: int) -> Path:
    """Return the file that pins a version of Tempest with all that it needs."""
    return HERE / f"tempest-{version}.txt"


def ensure(version: int) -> Path:
    """Return the directory of a Tempest version's environment; install it first where the cache does not have it.

    Raises DeployError with pip's last lines when the installation fails.
    """
    pins = requirements(version)
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = cache_directory() / f"tempest-{version}-{digest}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".complete").exists():
            print(f"Installing Tempest {version} (half a minute) …", file=sys.stderr, flush=True)
            _install(place, pins)
    return place


def _install(place: Path, pins: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    done = subprocess.run([*pip, "-r", str(pins)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-KEPT_LINES:]
        raise DeployError(f"Tempest could not be installed from {pins.name}.", details="\n".join(lines))
    (place / ".complete").touch()
