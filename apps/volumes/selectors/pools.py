"""Reading pools: the file systems of back ends, and what the volumes on them claim."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum

from apps.scheduling.selectors import hosts
from apps.volumes import states
from apps.volumes.models import Attachment, Pool, Volume
from apps.workflow.selectors import runs

BUILT_IN = "local"


def takes_host_disk(backend: str) -> bool:
    """Return whether volumes claim their size from the disk of their host, as servers do: where they have no separate
    path.
    """
    known = settings.VOLUME_BACKENDS.get(backend)
    return known is None or not known["path"]


def default() -> str:
    """Return the back end of volumes whose types name none: that of the servers' disk, or else the first one."""
    return BUILT_IN if BUILT_IN in settings.VOLUME_BACKENDS else next(iter(settings.VOLUME_BACKENDS))


def format_of(*, backend: str, multiattach: bool) -> str:
    """Return how the back end writes a volume: two hosts that write one qcow2 file would destroy it."""
    return states.RAW if multiattach or is_direct(backend) else states.QCOW2


def is_direct(backend: str) -> bool:
    """Return whether guests of every host use the back end's volumes by themselves, without an export."""
    known = settings.VOLUME_BACKENDS.get(backend)
    return known is not None and known["kind"] == "ceph"


def claimed_disk(volume: Volume) -> int:
    """Return the GiB that a volume claims from the disk of its host."""
    return volume.size if takes_host_disk(volume.backend) else 0


@dataclass(frozen=True, slots=True)
class PoolUse:
    """A pool with what its volumes claim. A shared one is the same on each of its hosts."""

    pool: Pool
    claimed_gib: int

    @property
    def limit_gib(self) -> int:
        """The sum of sizes that volumes may have: the reserve is nobody's."""
        return int((self.pool.total_gib - self.pool.reserve_gib) * settings.VOLUME_OVERCOMMIT)

    def shortfall(self, size: int) -> str:
        """Return why a volume of ``size`` GiB does not go there, as a predicate; "" if it does."""
        if self.pool.free_gib <= self.pool.reserve_gib:
            return f"is full: {self.pool.free_gib} GiB are free, {self.pool.reserve_gib} GiB stay free"
        if self.claimed_gib + size > self.limit_gib:
            return f"has room for {max(self.limit_gib - self.claimed_gib, 0)} GiB of volumes more, not for {size}"
        return ""


def stand_in(volume: Volume) -> str:
    """Return another host that is up and sees the volume's pool; "" if there is none. 3 queries.

    None where the volume is attached and exported: guest and export may outlive the agent of a host that looks down.
    """
    if not is_direct(volume.backend) and Attachment.objects.filter(volume_id=volume.id).exists():
        return ""
    rows = Pool.objects.filter(backend=volume.backend, shared=True).exclude(host=volume.host)
    return min(hosts.names_up(names=rows.values_list("host", flat=True)), default="")


def caretaker(*, backend: str) -> str:
    """Return the host that looks after what is nobody's in a shared pool; "" if none is up. 2 queries."""
    rows = Pool.objects.filter(backend=backend, shared=True)
    return min(hosts.names_up(names=rows.values_list("host", flat=True)), default="")


def is_shared(*, backend: str) -> bool:
    """Return whether all hosts see one pool of the back end. 1 query."""
    return Pool.objects.filter(backend=backend, shared=True).exists()


def of_backend(*, backend: str, but: uuid.UUID | None = None) -> list[PoolUse]:
    """Return the back end's pools with their use, in order of their hosts; without what the extension of the volume
    ``but`` will take. 5 queries.
    """
    return _with_use(Pool.objects.filter(backend=backend).order_by("host"), but)


def everything() -> list[PoolUse]:
    """Return all pools with their use. 5 queries."""
    return _with_use(Pool.objects.order_by("host", "backend"))


def _with_use(pools: Iterable[Pool], but: uuid.UUID | None = None) -> list[PoolUse]:
    rows = Volume.objects.filter(deleted_at=None).exclude(host="").order_by().values_list("host", "backend")
    by_host = {(host, backend): total for host, backend, total in rows.annotate(total=Sum("size"))}
    moving = Volume.objects.filter(deleted_at=None).exclude(target_host="")
    for host, backend, size in moving.order_by().values_list("target_host", "target_backend", "size"):
        by_host[host, backend] = by_host.get((host, backend), 0) + size
    for place, size in _growth(but):
        by_host[place] = by_host.get(place, 0) + size
    by_backend: dict[str, int] = {}
    for (_, backend), total in by_host.items():
        by_backend[backend] = by_backend.get(backend, 0) + total
    return [
        PoolUse(pool, by_backend.get(pool.backend, 0) if pool.shared else by_host.get((pool.host, pool.backend), 0))
        for pool in pools
    ]


def _growth(but: uuid.UUID | None) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield the host and back end of volumes that are being extended, and what they will claim more. 1 query or 2."""
    asked = runs.active().filter(pipeline="volume.extend").values_list("subject_id", "params")
    sizes = {key: int(params["new_size"]) for key, params in asked if key != but}
    rows = Volume.objects.filter(id__in=sizes, deleted_at=None).exclude(host="") if sizes else ()
    for row in rows:
        yield (row.host, row.backend), max(sizes[row.id] - row.size, 0)
