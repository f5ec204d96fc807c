"""What a volume's story says beside its runs: what it is, where it is, who has it, what it holds."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.identity.selectors import projects, users
from apps.operations.explain import format
from apps.quotas.selectors import reservations
from apps.scheduling.selectors import hosts
from apps.scheduling.services import allocations
from apps.volumes import states
from apps.volumes.selectors import attachments, backups, exports, snapshots
from apps.volumes.selectors import volumes as selectors

if TYPE_CHECKING:
    from apps.volumes.models import Volume

MAX_ROWS = 20
Section = tuple[str, tuple[str, ...]]


def sections(volume_id: uuid.UUID) -> tuple[Section, ...]:
    """Return the sections of a volume's page, of a deleted one too: at most 12 queries."""
    volume = selectors.any_of(volume_id=volume_id)
    if volume is None:
        return ()
    parts = (("Who", _who), ("What", _what), ("Now", _now), ("Used by", _used_by), ("Holds", _holds))
    return tuple((title, tuple(lines(volume))) for title, lines in parts)


def _who(volume: "Volume") -> Iterator[str]:
    user = users.names({volume.user_id} - {""}).get(volume.user_id, volume.user_id)
    project = projects.names({volume.project_id}).get(volume.project_id, volume.project_id)
    yield f"{user} of the project {project} asked at {format.moment(volume.created_at)}"


def _what(volume: "Volume") -> Iterator[str]:
    kind = volume.volume_type.name if volume.volume_type is not None else "-"
    flags = [name for name in ("bootable", "read_only", "multiattach", "encrypted") if getattr(volume, name)]
    yield f"{volume.size} GiB, type {kind}, {volume.format}{''.join(f', {flag}' for flag in flags)}"
    sources = ("image", "snapshot", "volume", "backup")
    made_of = [(name, getattr(volume, f"source_{name}_id")) for name in sources]
    yield next((f"made from the {name} {key}" for name, key in made_of if key is not None), "made empty")
    if volume.group is not None:
        yield f"in the group {volume.group.name or '-'} {volume.group.id}"
    if volume.scheduler_hints:
        yield f"asked for {', '.join(f'{name} {value}' for name, value in volume.scheduler_hints.items())}"


def _now(volume: "Volume") -> Iterator[str]:
    now = timezone.now()
    yield f"{volume.status}, changed {format.between(volume.updated_at, now)} ago"
    if volume.deleted_at:
        yield f"deleted {format.moment(volume.deleted_at)}"
    if volume.host:
        yield f"on {volume.host}, back end {volume.backend}, zone {volume.availability_zone}"
        yield _host(volume.host)
    if volume.migration_status:
        target = f" to {volume.target_host}@{volume.target_backend}" if volume.target_host else ""
        yield f"migration{target}: {volume.migration_status}"
    if volume.error:
        yield f"last failure: {volume.error}"


def _host(name: str) -> str:
    try:
        host = hosts.get(name=name)
    except NotFound:
        return f"there is no host {name} any more"
    heard = format.between(host.heartbeat_at, timezone.now())
    return f"host {name} is {'up' if host.is_up else 'DOWN: its volumes are out of reach'}, last heard {heard} ago"


def _used_by(volume: "Volume") -> Iterator[str]:
    rows = attachments.of_volume(volume_id=volume.id)
    if not rows:
        yield "no server"
    for row in rows:
        user = f"server {row.server_id}" if row.server_id is not None else "a host alone"
        yield f"{user} on {row.host or '-'}: {row.status}, {row.mode or '-'}, {row.device or 'no device yet'}"
    for export in exports.of_volume(volume_id=volume.id, storage_host=volume.host):
        opened = f"open at {export.address}:{export.port}" if export.opened_at else "not open"
        yield f"export for {export.host}: {opened}{f'; {export.error}' if export.error else ''}"


def _holds(volume: "Volume") -> Iterator[str]:
    allocation = allocations.of_consumer(consumer_id=volume.id)
    yield f"allocation on {allocation.host.name}: {allocation.disk_gib} GiB" if allocation else "no allocation"
    reserved = reservations.of_consumer(consumer_id=volume.id)
    if reserved:
        yield "quota reserved: " + ", ".join(f"{name} {amount}" for name, amount in sorted(reserved.items()))
    elif volume.status != states.DELETED:
        yield "quota: counted as in use"
    for snapshot in snapshots.of_volume(volume_id=volume.id)[:MAX_ROWS]:
        yield f"snapshot {snapshot.name or '-'} {snapshot.id}: {snapshot.status}, {snapshot.size} GiB"
    for backup in backups.of_volume(volume_id=volume.id)[:MAX_ROWS]:
        yield f"backup {backup.name or '-'} {backup.id}: {backup.status}, {backup.size} GiB"
