"""Whether a network engine programs this cloud's networks, for rules that depend on it."""

from django.conf import settings


def has_engine() -> bool:
    """Say whether a network worker programs networks, ports and rules. In a cloud without, they are rows alone."""
    return bool(settings.NETWORK_WORKER)


def has_metadata() -> bool:
    """Say whether hosts answer guests' questions for metadata: simulated hosts have no guests that could ask."""
    return has_engine() and bool(settings.HYPERVISOR != "simulated")
