"""Capabilities of the hosts' network driver, for rules that depend on it."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Capabilities:
    """``overlapping_ranges``: two networks of one host may hold the same range.

    ``ranges_in_host_routes``: a network's range enters the host's own routing table, so that a range which the host
    itself needs would lead the host's connections to a tenant's guest.
    """

    overlapping_ranges: bool
    ranges_in_host_routes: bool


# By the hosts' network driver; the drivers say the same of themselves (workers.drivers.network, held by a test).
_OF_DRIVER = {
    "linux": Capabilities(overlapping_ranges=False, ranges_in_host_routes=True),
    "ovn": Capabilities(overlapping_ranges=True, ranges_in_host_routes=False),
    "simulated": Capabilities(overlapping_ranges=True, ranges_in_host_routes=False),
}


def current() -> Capabilities:
    """Return the capabilities of this cloud's network driver."""
    return _OF_DRIVER["simulated" if settings.HYPERVISOR == "simulated" else settings.NETWORK_DRIVER]


def has_engine() -> bool:
    """Say whether a network engine programs networks and ports for the whole cloud, instead of each host its own."""
    return bool(settings.NETWORK_DRIVER == "ovn")
