"""Claims that name processors, NUMA cells and pages of a host: no two servers get the same ones."""

import uuid
from collections.abc import Sequence

from apps.scheduling import locks, topologies
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation, Host
from apps.scheduling.specs import HostState
from apps.scheduling.topologies import GuestTopology

TOLD_MISSES = 20
REASON = "without free dedicated CPUs, NUMA cells or memory pages of that size"
ADVICE = "Choose another flavor, or try again later."


def place(*, consumer_id: uuid.UUID, guest: GuestTopology, host_id: str) -> bool:
    """Note where the guest of a new claim is on its host; False where the host has no room for its cells.

    The host's claims of this kind come one after another: each locks the inventory before it reads the others. In the
    claim's transaction, which the caller rolls back for False.
    """
    host = Host.objects.only("id", "topology").get(id=host_id)
    locks.inventory(host)
    others = Allocation.objects.filter(host=host, topology__isnull=False).exclude(consumer_id=consumer_id)
    used = [dict(topology) for topology in others.values_list("topology", flat=True) if topology is not None]
    placement = topologies.fit(guest, host.topology, used)
    if placement is not None:
        Allocation.objects.filter(consumer_id=consumer_id).update(topology=placement)
    return placement is not None


def refusal(hosts: Sequence[HostState]) -> NoValidHost:
    """Return the refusal where hosts passed the filters and none has room for the guest's cells."""
    noun = "host" if len(hosts) == 1 else "hosts"
    error = NoValidHost(reason=f"{len(hosts)} {noun} checked: {len(hosts)} {REASON}. {ADVICE}")
    error.values["explanation"] = {
        "filters": [{"filter": "topology", "in": len(hosts), "out": 0}],
        "misses": [f"{host.name} is {REASON}" for host in hosts[:TOLD_MISSES]],
        "considered": len(hosts),
    }
    return error
