"""Claims that name processors, NUMA cells and pages of a host: no two servers get the same ones."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.scheduling import locks, topologies
from apps.scheduling.exceptions import DedicatedCpusHeld, NoValidHost
from apps.scheduling.models import Allocation, Host
from apps.scheduling.specs import HostState
from apps.scheduling.topologies import GuestTopology

TOLD_MISSES = 20
REASON = "without free dedicated CPUs, NUMA cells, memory pages of that size or PCI devices"
ADVICE = "Choose another flavor, or try again later."


def place(*, consumer_id: uuid.UUID, guest: GuestTopology, host_id: str, beside_unknown: bool = False) -> bool:
    """Note where the guest of a new claim is on its host; False where the host has no room for its cells.
    ``beside_unknown``: it is the host's already, so others of which nobody knows what they have do not keep it off.

    The host's claims of this kind come one after another: each locks the inventory before it reads the others. In the
    claim's transaction, which the caller rolls back for False.
    """
    host = Host.objects.only("id", "topology").get(id=host_id)
    locks.inventory(host)
    others = Allocation.objects.filter(host=host, topology__isnull=False).exclude(consumer_id=consumer_id)
    used = [dict(topology) for topology in others.values_list("topology", flat=True) if topology is not None]
    if beside_unknown:
        used = [placement for placement in used if not topologies.is_unknown(placement)]
    placement = topologies.fit(guest, host.topology, used)
    if placement is not None:
        Allocation.objects.filter(consumer_id=consumer_id).update(topology=placement)
    return placement is not None


def known(*, consumer_id: uuid.UUID) -> dict[str, Any] | None:
    """Return what a claim says that its guest has; None where nobody knows. 1 query."""
    claimed = Allocation.objects.filter(consumer_id=consumer_id, topology__isnull=False).first()
    placement = claimed.topology if claimed is not None else None
    return None if placement is None or topologies.is_unknown(placement) else placement


@transaction.atomic
def place_restored(*, consumer_id: uuid.UUID, guest: GuestTopology) -> dict[str, Any] | None:
    """Note the same for a claim that was made without it, as one that a reconciler restored, or that names what its
    host has not; for a guest that is off, or about to start. Returns what is noted; None: there is no claim, or its
    host has no room.
    """
    claimed = Allocation.objects.select_related("host").filter(consumer_id=consumer_id).first()
    if claimed is None or (claimed.topology is not None and topologies.is_of(claimed.host.topology, claimed.topology)):
        return claimed.topology if claimed is not None else None
    if not place(consumer_id=consumer_id, guest=guest, host_id=str(claimed.host_id), beside_unknown=True):
        return None
    claimed.refresh_from_db()
    return claimed.topology


def note_unknown(*, consumer_id: uuid.UUID) -> None:
    """A guest runs whose claim was restored: until its next start its host has no room for others of this kind."""
    Allocation.objects.filter(consumer_id=consumer_id).update(topology=dict(topologies.UNKNOWN))


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


class Rooms:
    """What is free of each host for guests of this kind, for plans: read at first use, then kept in memory."""

    def __init__(self) -> None:
        self._topologies: dict[str, dict[str, Any]] | None = None
        self._used: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def has(self, host: HostState, guest: GuestTopology | None) -> bool:
        """Whether a host has room for the guest's cells; for one without them there is nothing to read."""
        return guest is None or self._fit(host, guest) is not None

    def take(self, host: HostState, guest: GuestTopology | None) -> None:
        """Give a guest what it would have on a host."""
        placement = self._fit(host, guest) if guest is not None else None
        if placement is not None:
            self._used[host.id].append(placement)

    def _fit(self, host: HostState, guest: GuestTopology) -> dict[str, Any] | None:
        if self._topologies is None:
            self._topologies = {str(key): topology for key, topology in Host.objects.values_list("id", "topology")}
            for key, used in Allocation.objects.filter(topology__isnull=False).values_list("host_id", "topology"):
                if used is not None:
                    self._used[str(key)].append(used)
        return topologies.fit(guest, self._topologies.get(host.id, {}), self._used[host.id])


def have_room(hosts: Iterable[HostState], guest: GuestTopology) -> bool:
    """Return whether one of the hosts has room for the guest's cells and devices at this moment. 2 queries."""
    rooms = Rooms()
    return any(rooms.has(host, guest) for host in hosts)


def check_dedicated(*, host: Host, topology: Mapping[str, Any]) -> None:
    """Raise DedicatedCpusHeld (409) if servers have processors of a host that are to be no dedicated ones any more."""
    had, has = (frozenset(known.get("dedicated", ())) for known in (host.topology, topology))
    held = topologies.taken([row for row in _placements(host) if row]) & had - has
    if held:
        raise DedicatedCpusHeld(host=host.name, cpus=",".join(map(str, sorted(held))))


def _placements(host: Host) -> Iterable[Any]:
    return Allocation.objects.filter(host=host, topology__isnull=False).values_list("topology", flat=True)
