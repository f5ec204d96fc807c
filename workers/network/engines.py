"""Makes this cloud's network engine."""

from typing import Any

from django.conf import settings

from apps.networking import resolvers
from workers.drivers.network import loader
from workers.drivers.network.base.engine import NetworkEngine


def make() -> NetworkEngine:
    """Make the engine; nothing is opened yet. Raises SystemExit in a cloud that has none."""
    if not settings.NETWORK_WORKER:
        raise SystemExit("This cloud has no network engine: CELERITY_NETWORK_WORKER is off.")
    if settings.HYPERVISOR == "simulated":
        options: dict[str, Any] = {
            "state_dir": str(settings.STATE_DIR / "simulated"),
            "plan_file": settings.SIMULATION_PLAN,
        }
        return loader.load_engine("simulated", options)
    addresses = settings.DNS_NAMESERVERS or tuple(resolvers.for_guests())
    return loader.load_engine("ovn", {"northbound": settings.NORTHBOUND, "resolvers": addresses})
