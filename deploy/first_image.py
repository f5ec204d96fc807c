"""The guest image `tiny`: built once per content of deploy/guest_images/, in a cache for the cloud and the tests."""

import fcntl
import hashlib
import subprocess
import sys
import time
from pathlib import Path

from deploy.environment import REPOSITORY, cache_directory
from deploy.errors import DeployError

DAY = 86400  # seconds for which another checkout on this machine keeps its image
SOURCES = REPOSITORY / "deploy" / "guest_images"


def digest() -> str:
    """Return a short name for the sources that the image is built from."""
    content = hashlib.sha256()
    for path in sorted(p for p in SOURCES.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        content.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:12]


def path() -> Path:
    """Return where the image of the present sources is, or will be."""
    return cache_directory() / f"tiny-{digest()}.qcow2"


def ensure(log: Path | None = None) -> Path:
    """Return the image, building it when it is not in the cache (about 10 seconds).

    Raises DeployError when it cannot be built. A build that was cut off leaves nothing under the final name.
    """
    image = path()
    if is_whole(image):
        return image
    image.parent.mkdir(parents=True, exist_ok=True)
    with (image.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, the others wait for it
        if is_whole(image):
            return image
        built = subprocess.run(
            [sys.executable, "-m", "deploy.guest_images.build", "tiny", "--output", str(image)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=900, cwd=REPOSITORY,
        )  # fmt: skip
        if log is not None:
            log.write_text(built.stdout)
        if built.returncode != 0 or not is_whole(image):
            raise DeployError("The guest image could not be built.", details=built.stdout[-3000:])
        for old in image.parent.glob("tiny-*.qcow2*"):
            if not old.name.startswith(image.name) and time.time() - old.stat().st_mtime > DAY:
                old.unlink(missing_ok=True)
    return image


def is_whole(image: Path) -> bool:
    """Say whether the image was built to its end: the builder writes the stamp beside it last."""
    return image.exists() and image.with_name(f"{image.name}.stamp").exists()
