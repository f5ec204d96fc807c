"""How many addresses of networks there are, and how many are used."""

import uuid
from collections.abc import Sequence

from django.db.models import Count, Prefetch, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions, ranges
from apps.networking.models import Network, Subnet
from apps.networking.selectors import networks


def rows(*, context: RequestContext, versions: Sequence[int] = ()) -> QuerySet[Network]:
    """Return networks with their subnets, of these IP versions if any is named; each has its number of addresses
    ``used``. 1 more query for any number of networks.
    """
    subnets = Subnet.objects.annotate(used=Count("fixed_ips")).order_by("created_at", "id")
    if versions:
        subnets = subnets.filter(ip_version__in=versions)
    chosen = networks.visible(context=context).prefetch_related(None)
    if versions:
        chosen = chosen.filter(id__in=Subnet.objects.filter(ip_version__in=versions).values("network_id"))
    return chosen.prefetch_related(Prefetch("subnets", subnets))


def get(*, context: RequestContext, network_id: uuid.UUID) -> Network:
    """Return a network that the caller may see, as ``rows`` does. Raises NetworkNotFound (404)."""
    network = rows(context=context).filter(id=network_id).first()
    if network is None:
        raise exceptions.NetworkNotFound(id=network_id)
    return network


def total(subnet: Subnet) -> int:
    """Return how many addresses a subnet's pools have; all of the range where it has no pools."""
    pools = ranges.stored_pools(subnet.allocation_pools)
    if not pools:
        return int(ranges.network(subnet.cidr, field="cidr").num_addresses)
    return sum(int(end) - int(start) + 1 for start, end in pools)
