"""Memory for the processes (about 1 GiB) and for guests."""

import re
from pathlib import Path

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment


def check(environment: Environment) -> Finding:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    available = int(match.group(1)) / 1024 if match else 0
    text = f"{available:.0f} MiB available"
    if available < 1024:
        return fail(text, "The cloud's processes alone take about 1 GiB.")
    return warn(text, "Enough for the cloud and a few small guests.") if available < 3072 else ok(text)
