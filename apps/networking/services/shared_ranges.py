"""Ranges on hosts that route all networks in one table: which of them a new subnet may have."""

import structlog

from apps.common.context import RequestContext
from apps.networking import capabilities, exceptions, locks, protection, ranges
from apps.networking.models import Network
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import subnets as subnet_selectors

log = structlog.get_logger("celerity.networking")


def check(*, context: RequestContext, network: Network, text: str) -> None:
    """Refuse a range that overlaps with ranges on the hosts. Call it inside the transaction that writes.

    Drivers that keep networks apart take any range. Raises RangeNotAllowed, RangeNeeded, RangeTaken (400).
    """
    driver = capabilities.current()
    cidr = ranges.network(text, field="cidr")
    if driver.ranges_in_host_routes:
        _check_protected(context, cidr)
    hold()
    if not driver.overlapping_ranges and cidr.version == 4:
        _refuse_taken(context, network, str(cidr))


def _check_protected(context: RequestContext, cidr: ranges.Range) -> None:
    if not context.is_admin and not protection.allowed(cidr):
        raise exceptions.RangeNotAllowed(cidr=cidr)
    conflict = protection.conflict(cidr)
    if conflict is not None:
        log.warning("subnet refused", cidr=str(cidr), holds=conflict, project_id=context.project_id)
        raise exceptions.RangeNeeded(cidr=cidr)


def hold() -> None:
    """Serialise the choice of ranges until the transaction ends, where the driver does not keep networks apart."""
    if not capabilities.current().overlapping_ranges:
        locks.ranges()


def _refuse_taken(context: RequestContext, network: Network, cidr: str) -> None:
    """Name the network that holds the range if the caller may see one, and log all of them for the operator."""
    taken = subnet_selectors.overlapping(cidr=cidr, network_id=network.id)
    if not taken:
        return
    log.info("subnet refused", cidr=cidr, overlaps=[f"{other} of network {owner}" for _, owner, other in taken[:10]])
    owners = [owner for _, owner, _ in taken]
    seen = {network.id: network for network in network_selectors.visible(context=context).filter(id__in=owners)}
    named = next(((seen[owner], other) for _, owner, other in taken if owner in seen), None)
    whose = f" ({named[1]} of network {named[0]})" if named else " on this cloud"
    raise exceptions.RangeTaken(cidr=cidr, network_id=network.id, whose=whose)
