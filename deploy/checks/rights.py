"""Root: needed for real guests."""

import os

from deploy.checks.finding import SIMULATED, Finding, fail, ok
from deploy.environment import Environment


def check(environment: Environment) -> Finding:
    if os.geteuid() == 0:
        return ok("root")
    if environment.simulated:
        return ok("not root; simulated hosts do not need it")
    return fail("not root", f"Bridges and libvirt's system socket need root: run it as root, {SIMULATED}")
