"""How many servers of each flavor the cloud still takes."""

from apps.compute.models import Flavor
from apps.scheduling.selectors import capacity

MIB_PER_GIB = 1024


def by_flavor() -> list[tuple[Flavor, int]]:
    """Return every flavor with how many servers of it still fit, the smallest flavor first. 2 queries.

    Of a flavor with disk 0 the image's size is claimed, which is not known here: disk counts nothing.
    """
    flavors = list(Flavor.objects.filter(disabled=False).order_by("ram_mib", "vcpus", "flavor_id"))
    sizes = {flavor.flavor_id: _size(flavor) for flavor in flavors}
    counts = capacity.fitting(sizes=sizes)
    return [(flavor, counts[flavor.flavor_id]) for flavor in flavors]


def _size(flavor: Flavor) -> capacity.Size:
    swap_gib = -(-flavor.swap_mib // MIB_PER_GIB)
    return capacity.Size(
        vcpus=flavor.vcpus, ram_mib=flavor.ram_mib, disk_gib=flavor.disk_gib + flavor.ephemeral_gib + swap_gib
    )
