"""Refusals about automatic topologies."""

from apps.common.exceptions import Conflict


class AutoAllocationFailed(Conflict):
    kind = "AutoAllocationFailure"
    template = "Deployment error: {reason}."
