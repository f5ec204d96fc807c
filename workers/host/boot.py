"""Whether the machine restarted since the agent last recovered its host."""

from pathlib import Path

from workers.system import files
from workers.system.paths import HostPaths

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _file(paths: HostPaths) -> Path:
    return paths.root / "boot_id"


def restarted(paths: HostPaths) -> bool:
    """Return True after a restart of the machine, and after ``forget``. A host that is new was not restarted."""
    seen = files.read(_file(paths))
    return seen is not None and seen.strip() != BOOT_ID.read_bytes().strip()


def remember(paths: HostPaths) -> None:
    """The host is as its rows say, in this life of the machine."""
    paths.root.mkdir(parents=True, exist_ok=True)
    if files.read(_file(paths)) != BOOT_ID.read_bytes():
        files.write(_file(paths), BOOT_ID.read_bytes())


def forget(paths: HostPaths) -> None:
    """The cloud is being shut down by its operator: its next start restarts the servers."""
    paths.root.mkdir(parents=True, exist_ok=True)
    files.write(_file(paths), b"down\n")
