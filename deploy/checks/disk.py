"""Room for images and guests' disks."""

import shutil

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment

ADVICE = "Free some space, or use another directory: make up STATE=/a/bigger/place"


def check(environment: Environment) -> Finding:
    place = environment.state
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1024**3
    text = f"{free:.0f} GiB free at {environment.state}"
    if free < 2:
        return fail(text, ADVICE)
    return warn(text, ADVICE) if free < 10 else ok(text)
