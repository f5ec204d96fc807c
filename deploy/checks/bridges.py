"""Bridges: made and removed for a try."""

from deploy.checks.finding import SIMULATED, Finding, attempt, fail, ok
from deploy.environment import Environment

NAME = "ce-doctor"


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("not needed by simulated hosts")
    if environment.ovn:
        return ok("not used: networks are OVN's")
    trouble = attempt("ip", "link", "add", "name", NAME, "type", "bridge")
    attempt("ip", "link", "delete", NAME)
    if trouble and "exists" not in trouble:
        return fail(f"cannot create a bridge: {trouble}", f"Root, and the kernel's module `bridge`, {SIMULATED}")
    return ok("created and removed a bridge")
