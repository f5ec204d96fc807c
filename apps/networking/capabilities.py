"""Capabilities of the hosts' network driver, for rules that depend on it."""

from dataclasses import dataclass

from django.conf import settings

from apps.networking import states


@dataclass(frozen=True, slots=True)
class Capabilities:
    """``overlapping_ranges``: two networks of one host may hold the same range.

    ``ranges_in_host_routes``: a network's range enters the host's own routing table, so that a range which the host
    itself needs would lead the host's connections to a tenant's guest.
    ``routing``: there are routers and floating IPs. ``network_types``: in Neutron's words, the usual one first.
    """

    overlapping_ranges: bool
    ranges_in_host_routes: bool
    routing: bool
    network_types: tuple[str, ...]


_ENGINES_TYPES = (states.GENEVE, states.FLAT, states.VLAN, states.LOCAL)
# By the hosts' network driver; the drivers say the same of themselves (workers.drivers.network, held by a test).
_OF_DRIVER = {
    "linux": Capabilities(
        overlapping_ranges=False, ranges_in_host_routes=True, routing=False, network_types=(states.LOCAL,)
    ),
    "ovn": Capabilities(
        overlapping_ranges=True, ranges_in_host_routes=False, routing=True, network_types=_ENGINES_TYPES
    ),
    "simulated": Capabilities(
        overlapping_ranges=True, ranges_in_host_routes=False, routing=True, network_types=_ENGINES_TYPES
    ),
}


def current() -> Capabilities:
    """Return the capabilities of this cloud's network driver."""
    return _OF_DRIVER["simulated" if settings.HYPERVISOR == "simulated" else settings.NETWORK_DRIVER]


def has_engine() -> bool:
    """Say whether a network engine programs networks and ports for the whole cloud, instead of each host its own."""
    return bool(settings.NETWORK_DRIVER == "ovn")
