"""Volumes that a server's build makes: written with the server, made on its host, or given up with the build.

They have no separate run until then: the build's run works on them.
"""

import uuid
from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from apps.common.exceptions import Forbidden
from apps.quotas.services import reservations
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.volumes import exceptions, locks, states
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import backends, capabilities, quota_amounts
from apps.volumes.selectors import pools as pool_selectors
from apps.volumes.services import placements, pools, quotas, volume_keys, volume_states, volumes


def write(*, volume: Volume) -> None:
    """Write the row of a volume to be made, in the caller's transaction. Raises Forbidden (403), NotFound (404)."""
    try:
        quotas.check_size(project_id=volume.project_id, size=volume.size)
    except exceptions.OverLimit as error:
        raise Forbidden(error.message) from None
    volumes.write(volume=volume)


def reserve(*, volumes: Sequence[Volume]) -> None:
    """Reserve their quota, last in the caller's transaction. Raises Forbidden (403): Nova's answer, not Cinder's."""
    for volume in sorted(volumes, key=lambda row: row.id):
        try:
            quotas.reserve(project_id=volume.project_id, each=quota_amounts.of_volume(volume), consumer=volume.id)
        except exceptions.OverLimit as error:
            raise Forbidden(error.message) from None


def unsuited_hosts(*, volumes: Sequence[Volume]) -> set[str]:
    """Return the hosts on which no back end has the sizes that a volume's type asks for. 1 query, and 8
    at most for each type with sizes.

    Raises NoValidHost where a type asks for what no back end is.
    """
    prefetch_related_objects(list(volumes), "volume_type")
    unsuited: set[str] = set()
    for volume in {(row.volume_type_id, row.backend): row for row in volumes}.values():
        allowed, kind = placements.allowed(volume), volume.volume_type
        if not allowed:
            error = NoValidHost(reason="No back end is what the type of a new volume asks for.")
            specs = kind.extra_specs if kind is not None else {}
            error.values["explanation"] = {"misses": capabilities.unmet(specs, backend=volume.backend)}
            raise error
        lacking = backends.too_small(volume_type=kind)
        unsuited |= set.intersection(*(lacking.get(name, set()) for name in allowed))
    return unsuited


def lock_all(*, volumes: Sequence[Volume]) -> None:
    """Lock those that may go to another back end, in the caller's transaction, which goes on to lock hosts."""
    for volume in sorted(volumes, key=lambda row: row.id):
        if len(placements.allowed(volume)) > 1:
            locks.volume(volume.id)


def claim(*, volumes: Sequence[Volume], host: str) -> None:
    """Claim room on ``host`` for those that have none yet, on the first of their types' back ends that has it there.

    In the caller's transaction, which has locked them before the host (``lock_all``). Raises NoValidHost; then the
    caller rolls back, and the rows that it has are as before.
    """
    for volume in volumes:
        if allocations.of_consumer(consumer_id=volume.id) is None:
            lacking = backends.too_small(volume_type=volume.volume_type)
            placements.on_first(copy(volume), partial(_claim, host, lacking))


def _claim(host: str, too_small: Mapping[str, set[str]], volume: Volume) -> None:
    lacking = too_small.get(volume.backend, set())
    if not pool_selectors.takes_host_disk(volume.backend):
        pools.choose_and_claim(volume=volume, host=host, lacking=lacking, sets_host=False)
        return
    if host in backends.disabled_hosts(backend=volume.backend):
        raise NoValidHost(reason=f"The back end {volume.backend} of {host} is disabled for new volumes.")
    if host in lacking:
        raise NoValidHost(reason=f"The back end {volume.backend} of {host} is not as large as the type asks for.")
    spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=volume.size, force_host=host, project_id=volume.project_id)
    allocations.choose_and_claim(consumer_id=volume.id, spec=spec)


def mark_made(*, volume: Volume, host: str, zone: str) -> None:
    """The volume is on its host: available, its quota in use."""
    metadata = volume.image_metadata if volume.source_image_id is not None else None
    volume_states.set_host(volume_id=volume.id, host=host, zone=zone)
    volume_states.mark_available(volume_id=volume.id, image_metadata=metadata)


def set_image(*, volume_id: uuid.UUID, image_metadata: Mapping[str, str]) -> None:
    """The volume has the content of an image now."""
    Volume.objects.filter(id=volume_id).update(
        image_metadata=dict(image_metadata), bootable=True, updated_at=timezone.now()
    )


def lock(*, volume_id: uuid.UUID) -> None:
    """Lock it in the caller's transaction, which goes on to lock hosts."""
    locks.volume(volume_id)


def start_over(*, volume_id: uuid.UUID) -> None:
    """The build left its host: the volume is to be made again elsewhere."""
    before = (states.CREATING, states.DOWNLOADING, states.AVAILABLE)
    if locks.volume(volume_id) is not None and volume_states.move(
        volume_id=volume_id, status=states.CREATING, before=before
    ):
        volume_states.clear_host(volume_id=volume_id)


def discard(*, volume_ids: Sequence[uuid.UUID]) -> None:
    """The build is given up, and its volumes with it: first their capacity is given back, then their quota.

    In the caller's transaction, which has locked them, or alone. Absent is success.
    """
    with transaction.atomic():
        rows = [row for key in sorted(volume_ids) if (row := locks.volume(key)) is not None]
        allocations.release_all(consumer_ids=[row.id for row in rows])
        now = timezone.now()
        Volume.objects.filter(id__in=[row.id for row in rows]).update(
            status=states.DELETED, deleted_at=now, updated_at=now, scheduler_hints={}, error=""
        )
        for row in rows:
            volume_keys.delete(volume_id=row.id)
            reservations.release(owner_id=row.project_id, each=quota_amounts.of_volume(row), consumer=row.id)


def is_unmade(volume: Volume) -> bool:
    """Whether nothing has written the volume to the end."""
    return volume.status in (states.CREATING, states.DOWNLOADING)


def move(*, server_id: uuid.UUID, host: str) -> None:
    """The server is on another host, which has its volumes open."""
    Attachment.objects.filter(server_id=server_id, by_compute=True).update(host=host)
