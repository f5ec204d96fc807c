"""Back ends of volumes on this host: their directories are there, and not full."""

import os
import shutil
from pathlib import Path

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment

MARK = ".celerity-volumes"
PROGRAM = "qemu-storage-daemon"


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("simulated")
    if shutil.which(PROGRAM) is None:
        return fail(f"no {PROGRAM}", "make up installs it: qemu-system-common.")
    pools, reserve = [], int(environment.values.get("CELERITY_DISK_RESERVE", "2"))
    for text in environment.values.get("CELERITY_VOLUME_BACKENDS", "local").split(","):
        name, _, rest = text.strip().partition("=")
        kind, _, path = rest.partition(":")
        place = Path(path) if path else environment.state
        if kind == "shared" and not (os.path.ismount(place) or (place / MARK).exists()):
            return fail(
                f"{name}: {place} is not mounted",
                f"Mount it, or create the file {place / MARK} where the directory is no mount point.",
            )
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free // 1024**3
        if free <= reserve:
            return warn(
                f"{name}: full, {free} GiB free, {reserve} GiB stay free",
                "No volume is made, extended or snapshotted there. Make room, or add a back end.",
            )
        pools.append(f"{name}: {free} GiB free")
    return ok("; ".join(pools))
