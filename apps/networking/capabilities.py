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


# By the kind of the hosts; the drivers say the same of themselves (workers.drivers.network, held by a test).
_OF_HYPERVISOR = {
    "libvirt": Capabilities(overlapping_ranges=False, ranges_in_host_routes=True),
    "simulated": Capabilities(overlapping_ranges=True, ranges_in_host_routes=False),
}


def current() -> Capabilities:
    """Return the capabilities of this cloud's network driver; of an unknown one, the least."""
    return _OF_HYPERVISOR.get(settings.HYPERVISOR, _OF_HYPERVISOR["libvirt"])
