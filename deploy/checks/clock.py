"""The clock: heartbeats, tokens and leases compare times between machines."""

import ctypes

from deploy.checks.finding import Finding, ok, warn
from deploy.environment import Environment

TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def check(environment: Environment) -> Finding:
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512)) == TIME_ERROR:
        return warn(
            "the kernel's clock is not synchronised",
            "Harmless on one machine. With several, run an NTP client (chrony, systemd-timesyncd) on each.",
        )
    return ok("synchronised")
