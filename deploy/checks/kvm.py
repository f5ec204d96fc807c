"""/dev/kvm, which counts only together with the processor's flags: without them it may open and then hang a guest."""

import os
from pathlib import Path

from deploy import kvm_device
from deploy.checks import cpu
from deploy.checks.finding import Finding, ok, warn
from deploy.environment import Environment

DEVICE = Path("/dev/kvm")


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("not needed by simulated hosts")
    if not kvm_device.is_accessible():
        return warn("/dev/kvm is not open to the group kvm", "chgrp kvm /dev/kvm; chmod 660 /dev/kvm (udev does this).")
    if not cpu.flags():
        there = "exists, but is unused" if DEVICE.exists() else "is missing"
        return ok(f"/dev/kvm {there}: the processor has no virtualisation")
    if not DEVICE.exists():
        return warn("/dev/kvm is missing", "modprobe kvm_intel (or kvm_amd); until then guests are emulated (TCG).")
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return warn("/dev/kvm may not be opened", "Run as root, or join the group kvm.")
    return ok("/dev/kvm opens")
