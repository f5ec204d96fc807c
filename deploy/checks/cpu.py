"""The processor's virtualisation."""

import os
import platform
import re
from pathlib import Path

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment


def flags() -> set[str]:
    """Return vmx (Intel) or svm (AMD), as far as the kernel shows them."""
    try:
        match = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return set()
    return {"vmx", "svm"} & set(match.group(1).split()) if match else set()


def check(environment: Environment) -> Finding:
    count = f"{os.cpu_count()} processors"
    if environment.simulated:
        return ok(count)
    if platform.machine() != "x86_64":
        return fail(f"{count}, {platform.machine()}", "Real guests need x86_64 for now; simulated hosts run anywhere.")
    if virtualization := flags():
        return ok(f"{count}, {' '.join(sorted(virtualization))}")
    return warn(
        f"{count}, no vmx or svm",
        "Guests are emulated (TCG), several times slower. Switch virtualisation on in the firmware, or in the "
        "hypervisor above (nested virtualisation).",
    )
