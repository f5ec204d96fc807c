"""Whether guests of a userspace datapath may hand over large segments: one mode for the whole cloud."""

from apps.networking.models import CloudProperty
from apps.networking.states import NETDEV_OFFLOADS, SINGLE_HOST


def mode() -> str:
    """Return ``single-host`` or ``multi-host``. 1 query."""
    return CloudProperty.objects.filter(name=NETDEV_OFFLOADS).values_list("value", flat=True).first() or SINGLE_HOST
