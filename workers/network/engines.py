"""Makes this cloud's network engine."""

from typing import Any

from django.conf import settings

from apps.networking import protection
from workers.drivers.network import loader
from workers.drivers.network.base.engine import NetworkEngine


def make() -> NetworkEngine:
    """Make the engine; nothing is opened yet. Raises SystemExit in a cloud whose hosts program their own networks."""
    if settings.NETWORK_DRIVER != "ovn":
        raise SystemExit("CELERITY_NETWORK_DRIVER is not ovn: every host programs its own networks.")
    if settings.HYPERVISOR == "simulated":
        options: dict[str, Any] = {
            "state_dir": str(settings.STATE_DIR / "simulated"),
            "plan_file": settings.SIMULATION_PLAN,
        }
        return loader.load_engine("simulated", options)
    resolvers = settings.DNS_NAMESERVERS or tuple(protection.resolvers_for_guests())
    return loader.load_engine("ovn", {"northbound": settings.NORTHBOUND, "resolvers": resolvers})
