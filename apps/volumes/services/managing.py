"""What pools have and no volume is: listed, taken over as volumes and snapshots, and released.

The agent of a pool's host is asked what there is; runs do the rest.
"""

import http
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import Unavailable
from apps.scheduling.services import agents
from apps.volumes import exceptions, rpcapi, states
from apps.volumes.models import Attachment, Snapshot, Volume
from apps.volumes.selectors import backends, quota_amounts, volume_types, volumes
from apps.volumes.services import quotas, snapshots, volume_requests
from apps.volumes.services import volumes as services

ANSWER_BYTES = 4 << 20
NAME, VOLUME, SNAPSHOT = "source-name", "volume-", "_snapshot-"
UNMANAGED = "unmanaged-"  # what the name of a snapshot begins with that nobody has


@dataclass(frozen=True, slots=True)
class Manageable:
    """``reference`` is the name in the pool, ``size`` GiB. ``managed_by``: the volume or snapshot that it is."""

    reference: str
    size: int
    managed_by: uuid.UUID | None = None
    volume: str = ""


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """Whether a pool has unmanaged snapshots of a volume, and what else was true then."""

    exists: bool
    host: str
    backend: str
    snapshots: frozenset[uuid.UUID] = frozenset()

    def check(self, row: Volume, act: str = "migrated") -> None:
        """Raise InvalidVolume (400) if there are some, or may be since: the volume cannot be ``act`` then."""
        if self.exists:
            raise exceptions.InvalidVolume(
                reason=f"Volume {row.id} cannot be {act}: its pool has snapshots of it that are not managed, manage"
                " and delete them first."
            )
        if (self.host, self.backend, self.snapshots) != (row.host, row.backend, _ever(row)):
            raise exceptions.InvalidVolume(reason=f"Volume {row.id} is busy; try again.")


def backend_of(host: str, *, enabled: bool = False) -> backends.Backend:
    """Return the back end that "host@backend#pool" names. Raises InvalidHost (400) unless it is up, and ``enabled``."""
    name, _, backend = host.partition("@")
    rows = backends.everything(host=f"{name}@{backend.partition('#')[0]}") if name and backend else []
    if not rows or not rows[0].up or (enabled and not rows[0].enabled):
        raise exceptions.InvalidHost(reason=f"No available service named {host[:255]}")
    return rows[0]


def volumes_of(backend: backends.Backend) -> list[Manageable]:
    """Return what the pool has: what can be taken over, and the volumes that are there."""
    free = [Manageable(row["reference"], row["size_gib"]) for row in _ask(backend, backend.backend, "unmanaged")]
    rows = volumes.on_host(host=backend.host).filter(backend=backend.backend).order_by("id")
    return [*free, *(Manageable(f"{VOLUME}{row.id}", row.size, row.id) for row in rows)]


def snapshots_of(backend: backends.Backend) -> list[Manageable]:
    """Return the snapshots of volumes in the pool, those that can be taken over and the others."""
    rows = {str(row.id): row for row in volumes.on_host(host=backend.host).filter(backend=backend.backend)}
    free = []
    for item in _ask(backend, backend.backend, "unmanaged-snapshots"):
        if (row := rows.get(item["volume"])) is not None:
            free.append(Manageable(_reference(item), item["size_gib"], volume=str(row.id)))
    managed = Snapshot.objects.filter(volume_id__in=list(rows), deleted_at=None).order_by("id")
    return [*free, *(Manageable(f"{SNAPSHOT}{row.id}", row.size, row.id, str(row.volume_id)) for row in managed)]


def _reference(item: dict[str, Any]) -> str:
    """Return how a request names a snapshot that a pool has. Agents of before call the name a reference."""
    return f"{SNAPSHOT}{(item.get('name') or item['reference']).removeprefix(UNMANAGED)}"


def with_unmanaged(act: Callable[[Unmanaged | None], Volume | None]) -> None:
    """Do under a volume's lock what needs to know whether its pool has unmanaged snapshots of it.

    ``act`` runs in a transaction, and returns None when it is done, or the volume of which it needs to know more; it
    has changed nothing then. It is called again once the agent was asked, which may take seconds: no lock is held
    meanwhile. Raises Unavailable (503).
    """
    with transaction.atomic():
        volume = act(None)
    if volume is not None:
        unmanaged = unmanaged_of(volume)
        with transaction.atomic():
            act(unmanaged)


def unmanaged_of(volume: Volume) -> Unmanaged:
    """Ask whether the pool has unmanaged snapshots of a volume. Raises Unavailable (503), of no host's name:
    members retype their volumes.
    """
    before = volume.host, volume.backend, _ever(volume)
    try:
        return Unmanaged(bool(_unmanaged_snapshots(volume)), *before)
    except (exceptions.InvalidHost, Unavailable) as error:
        raise Unavailable(f"The host of volume {volume.id} does not answer; try again.") from error


def _ever(volume: Volume) -> frozenset[uuid.UUID]:
    """Snapshots that are released leave their rows."""
    return frozenset(Snapshot.objects.filter(volume_id=volume.id).values_list("id", flat=True))


def _unmanaged_snapshots(volume: Volume) -> list[dict[str, Any]]:
    backend, key = backend_of(f"{volume.host}@{volume.backend}"), str(volume.id)
    try:
        return _ask(backend, key, "kept-snapshots")
    except _NotKnown:  # to an agent of before, which lists all volumes of the back end
        return [item for item in _ask(backend, backend.backend, "unmanaged-snapshots") if item["volume"] == key]


class _NotKnown(Unavailable):
    """The agent does not know the question."""


def _ask(backend: backends.Backend, item: str, what: str) -> list[dict[str, Any]]:
    """Ask the host's agent, of a back end or of a volume. Raises Unavailable (503)."""
    try:
        status, body = agents.request(
            host=backend.host, parts=("volumes", item, what), method="POST", limit=ANSWER_BYTES
        )
    except agents.AgentSilent as error:
        raise Unavailable(f"The host of {backend.name} does not answer.") from error
    if status != http.HTTPStatus.OK:
        refused = _NotKnown if status == http.HTTPStatus.NOT_FOUND else Unavailable
        raise refused(f"The host of {backend.name} could not list what it has.")
    answer: list[dict[str, Any]] = orjson.loads(body)
    return answer


def manage(*, context: RequestContext, host: str, reference: dict[str, str], values: dict[str, Any]) -> Volume:
    """Begin to take over what a pool has. Raises InvalidHost, InvalidReference, TypeMismatch (400), OverLimit (413)."""
    backend, name = backend_of(host, enabled=True), reference.get(NAME) or ""
    size = next((item.size for item in volumes_of(backend) if item.reference == name and not item.managed_by), None)
    if size is None:
        raise exceptions.InvalidReference(
            ref=str(reference)[:255], reason="The pool has nothing of this name to manage."
        )
    wanted = {key: values.get(key) for key in ("name", "description", "metadata", "volume_type", "availability_zone")}
    volume = volume_requests.resolve(context=context, values={**wanted, "size": size})
    kind = volume.volume_type
    if volume.encrypted or volume_types.backend_of(kind) not in ("", backend.backend):
        raise exceptions.TypeMismatch(reason=f"volumes of the type {kind} are not in {backend.pool}.")
    volume.host, volume.backend, volume.bootable = backend.host, backend.backend, bool(values.get("bootable"))
    quotas.check_size(project_id=volume.project_id, size=volume.size)
    with transaction.atomic():
        services.write(volume=volume)
        rpcapi.manage(context=context, volume=volume, reference=name)
        quotas.reserve(project_id=volume.project_id, each=quota_amounts.of_volume(volume), consumer=volume.id)
    return volume


@transaction.atomic
def unmanage(*, context: RequestContext, volume: Volume) -> None:
    """Begin to release a volume: its row goes, its data stays in the pool. Raises InvalidVolume (400)."""
    row = services.locked(volume)
    problem = ""
    if row.status != states.AVAILABLE or row.migration_status in states.MOVING:
        problem = f"its status is {row.status}"
    elif not row.host or row.encrypted:
        problem = "it is on no host, or encrypted"
    elif row.group_id is not None:
        problem = f"it belongs to group {row.group_id}"
    elif Snapshot.objects.filter(volume_id=row.id, deleted_at=None).exists():
        problem = "it has snapshots"
    elif Attachment.objects.filter(volume_id=row.id).exists():
        problem = "it is attached"
    if problem:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} cannot be unmanaged: {problem}.")
    services.check_copies(row)
    now = timezone.now()
    Volume.objects.filter(id=row.id).update(status=states.DELETING, previous_status=row.status, updated_at=now)
    rpcapi.unmanage(context=context, volume=row, reference=f"{VOLUME}{row.id}")
    audit.record("volume.unmanage", "volume", row.id)


def manage_snapshot(
    *, context: RequestContext, volume: Volume, reference: dict[str, str], values: dict[str, Any]
) -> Snapshot:
    """Begin to take over a snapshot of the volume. Raises InvalidReference, InvalidVolume (400), OverLimit (413)."""
    name = reference.get(NAME) or ""
    if volume.status not in (states.AVAILABLE, states.IN_USE) or not volume.host:
        raise exceptions.InvalidVolume(reason=f"Volume {volume.id} is {volume.status}.")
    mine = [item for item in _unmanaged_snapshots(volume) if _reference(item) == name]
    if not mine:
        raise exceptions.InvalidReference(ref=str(reference)[:255], reason="The volume has no such snapshot to manage.")
    return snapshots.create(
        context=context,
        volume=volume,
        attached_too=True,
        values={**values, "kept_as": UNMANAGED + name.removeprefix(SNAPSHOT), "size": mine[0]["size_gib"]},
    )


@transaction.atomic
def unmanage_snapshot(*, context: RequestContext, snapshot: Snapshot) -> None:
    """Begin to release a snapshot: its row goes, its data stays. Raises InvalidSnapshot (400)."""
    services.locked(snapshot.volume)
    row = snapshots.locked(snapshot)
    if row.status != states.AVAILABLE or row.group_snapshot_id is not None or snapshot.volume.encrypted:
        raise exceptions.InvalidSnapshot(
            reason=f"Snapshot {row.id} cannot be unmanaged: it is {row.status}, of a group, or encrypted."
        )
    services.check_snapshot_copies(row)
    Snapshot.objects.filter(id=row.id).update(status=states.DELETING, updated_at=timezone.now())
    rpcapi.unmanage_snapshot(context=context, snapshot=row, kept_as=f"{UNMANAGED}{row.id}")
    audit.record("snapshot.unmanage", "snapshot", row.id)
