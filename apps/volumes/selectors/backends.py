"""Back ends of hosts: what Cinder calls volume services, pools and capabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, Sum

from apps.scheduling.selectors import hosts
from apps.volumes.models import DisabledBackend, Snapshot, Volume, VolumeType
from apps.volumes.selectors import capabilities, pools, volume_types

if TYPE_CHECKING:
    from apps.scheduling.models import Inventory

BINARY = "cinder-volume"
SCHEDULER_BINARY = "cinder-scheduler"
BACKUP_BINARY = "cinder-backup"
BACKUPS = ""  # stands for a host's backup service where others have the name of a back end


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupService:
    """What makes and restores a host's backups. ``reason`` is why it is disabled."""

    host: str
    zone: str
    enabled: bool
    up: bool
    reason: str
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A back end on a host. Sizes are GiB; ``reason`` is why it is disabled."""

    host: str
    backend: str
    zone: str
    enabled: bool
    up: bool
    reason: str
    heartbeat_at: datetime
    total: int
    free: int
    used_by_volumes: int
    reserved: int = 0

    @property
    def amounts(self) -> dict[str, int]:
        """Return its sizes under the names of capabilities."""
        return {
            "total_capacity_gb": self.total,
            "free_capacity_gb": self.free,
            "allocated_capacity_gb": self.used_by_volumes,
            "provisioned_capacity_gb": self.used_by_volumes,
        }

    @property
    def name(self) -> str:
        """The name of the service: host@backend."""
        return f"{self.host}@{self.backend}"

    @property
    def pool(self) -> str:
        return f"{self.name}#{self.backend}"


def names() -> Sequence[str]:
    """Return the names of the cloud's back ends."""
    return tuple(settings.VOLUME_BACKENDS)


def everything(*, host: str | None = None) -> list[Backend]:
    """Return every host's back ends, or those of one host ("h" or "h@backend"). 8 queries at most."""
    rows = hosts.all_hosts()
    wanted_host, _, wanted_backend = (host or "").partition("@")
    if wanted_host:
        rows = rows.filter(name=wanted_host)
    disabled = {(row.host, row.backend): row for row in DisabledBackend.objects.all()}
    used = _used()
    uses = {(use.pool.host, use.pool.backend): use for use in pools.everything()}
    listed = []
    for row in rows:
        for backend in names():
            off = disabled.get((row.name, backend))
            use = uses.get((row.name, backend))
            total, free = _room(getattr(row, "inventory", None), backend, use)
            listed.append(
                Backend(
                    host=row.name,
                    backend=backend,
                    zone=row.zone,
                    enabled=row.enabled and off is None,
                    up=row.is_up,
                    reason=off.reason if off is not None else row.disabled_reason,
                    heartbeat_at=row.heartbeat_at,
                    total=total,
                    free=free,
                    used_by_volumes=used.get((row.name, backend), 0),
                    reserved=use.pool.reserve_gib if use is not None else 0,
                )
            )
    return [item for item in listed if not wanted_backend or item.backend == wanted_backend.partition("#")[0]]


def backup_services(*, host: str | None = None) -> list[BackupService]:
    """Return every host's backup service, or that of one host. 2 queries."""
    disabled = {row.host: row for row in DisabledBackend.objects.filter(backend=BACKUPS)}
    rows = hosts.all_hosts()
    return [
        BackupService(
            host=row.name,
            zone=row.zone,
            enabled=row.enabled and row.name not in disabled,
            up=row.is_up,
            reason=disabled[row.name].reason if row.name in disabled else row.disabled_reason,
            heartbeat_at=row.heartbeat_at,
        )
        for row in (rows.filter(name=host) if host else rows)
    ]


def _room(inventory: "Inventory | None", backend: str, use: pools.PoolUse | None) -> tuple[int, int]:
    """Return the GiB of a back end on a host, in all and free: of the servers' disk, or of a separate pool."""
    if not pools.takes_host_disk(backend):
        return (use.limit_gib, max(use.limit_gib - use.claimed_gib, 0)) if use is not None else (0, 0)
    if inventory is None:
        return 0, 0
    total = inventory.capacity("disk")
    return total, max(total - inventory.disk_used, 0)


def _used() -> dict[tuple[str, str], int]:
    rows = Volume.objects.filter(deleted_at=None).exclude(host="").order_by().values_list("host", "backend")
    return {(host, backend): total for host, backend, total in rows.annotate(total=Sum("size"))}


def of_type(volume_type: VolumeType | None) -> list[str]:
    """Return the back ends that new volumes of a type may go to, the first choice first."""
    specs = volume_type.extra_specs if volume_type is not None else {}
    usual = pools.default()
    ordered = sorted(names(), key=lambda name: name != usual)
    named = volume_types.backend_of(volume_type)
    return [name for name in ([named] if named else ordered) if not capabilities.unmet(specs, backend=name)]


def takes(row: Backend, volume_type: VolumeType) -> bool:
    """Return whether new volumes of a type may go to a host's back end, if there is room."""
    fits = row.backend in of_type(volume_type) and not _too_small(row, volume_type)
    return fits and row.enabled and row.up


def too_small(*, volume_type: VolumeType | None) -> dict[str, set[str]]:
    """Return, by back end, the hosts where it has not the sizes that a type asks for. At most 8 queries, or none."""
    if volume_type is None or not set(capabilities.wanted(volume_type.extra_specs)) & set(capabilities.AMOUNTS):
        return {}
    lacking: dict[str, set[str]] = {}
    for row in everything():
        if _too_small(row, volume_type):
            lacking.setdefault(row.backend, set()).add(row.host)
    return lacking


def _too_small(row: Backend, volume_type: VolumeType) -> bool:
    return bool(capabilities.unmet_amounts(volume_type.extra_specs, row.amounts))


def disabled_hosts(*, backend: str) -> set[str]:
    """Return the hosts on which a back end gets no new volumes, or which work on no backups. 1 query."""
    return set(DisabledBackend.objects.filter(backend=backend).values_list("host", flat=True))


def without_backups(volume: Volume) -> set[str]:
    """Return the hosts that a new volume cannot go to because they restore no backups. 1 query, or none."""
    return disabled_hosts(backend=BACKUPS) if volume.source_backup_id is not None else set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a project has on a host's back end; ``project_id`` "(total)" is all."""

    project_id: str
    volumes: int
    gigabytes: int
    snapshots: int
    snapshot_gigabytes: int


def usage(*, host: str, backend: str) -> list[Usage]:
    """Return what is on a host's back end, in all and by project. 2 queries."""
    volumes = Volume.objects.filter(deleted_at=None, host=host, backend=backend).order_by()
    snapshots = Snapshot.objects.filter(deleted_at=None, volume__host=host, volume__backend=backend).order_by()
    of_volumes = {key: (n, size) for key, n, size in _by_project(volumes)}
    of_snapshots = {key: (n, size) for key, n, size in _by_project(snapshots)}
    rows = [_usage(key, of_volumes.get(key), of_snapshots.get(key)) for key in sorted({*of_volumes, *of_snapshots})]
    return [_total(rows), *rows]


def _by_project(rows: object) -> list[tuple[str, int, int]]:
    counted = rows.values_list("project_id").annotate(n=Count("id"), total=Sum("size"))  # type: ignore[attr-defined]
    return list(counted)


def _usage(project_id: str, volumes: tuple[int, int] | None, snapshots: tuple[int, int] | None) -> Usage:
    (count, size), (snapshot_count, snapshot_size) = volumes or (0, 0), snapshots or (0, 0)
    return Usage(
        project_id=project_id,
        volumes=count,
        gigabytes=size,
        snapshots=snapshot_count,
        snapshot_gigabytes=snapshot_size,
    )


def _total(rows: list[Usage]) -> Usage:
    return Usage(
        project_id="(total)",
        volumes=sum(row.volumes for row in rows),
        gigabytes=sum(row.gigabytes for row in rows),
        snapshots=sum(row.snapshots for row in rows),
        snapshot_gigabytes=sum(row.snapshot_gigabytes for row in rows),
    )
