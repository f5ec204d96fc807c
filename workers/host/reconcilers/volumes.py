"""Volumes: the files on the host, and the rows of volumes.

Sets, per host:
  there  = volumes in the host's pool
  wanted = volumes whose rows are on this host, or on which a run works
Rules:
  there - wanted                     -> deleted (their volumes were deleted while the host was down)
  there, in another back end than its row's -> deleted (a move was cut short, or its source was lost)
  idle wanted - there                -> reported: the data is lost
  files without a volume             -> removed
  in a shared pool, of no row        -> removed by the first host of the pool, if the cloud had it once; else reported
  clones that a backup is read from, without a run of it -> deleted, with their exports
  back ends that do not answer       -> left alone
  snapshots in the pool without rows -> deleted (their rows went alone while the host was down)
  less free than the reserve         -> reported: guests' writes count too
"""

import uuid
from collections.abc import Mapping, Sequence

from django.conf import settings

from apps.images.selectors import images
from apps.volumes import states
from apps.volumes.selectors import attachments, backups, snapshots, volumes
from apps.volumes.selectors import pools as pool_rows
from apps.workflow.selectors import runs
from apps.workflow.services import leases
from apps.workflow.states import SUCCEEDED
from workers.drivers.errors import DriverError
from workers.drivers.volume.base import VolumeDriver, VolumeInfo
from workers.engine.subjects import SNAPSHOT, VOLUME
from workers.host import pools
from workers.host.reconcilers.base import HostSnapshot, idle_volume
from workers.mapping import volumes as mapping

KIND = "volume"
POOL = "pool"


def reconcile(snapshot: HostSnapshot) -> None:
    rows = {str(volume.id): volume for volume in volumes.on_host(host=snapshot.drivers.host)}
    everything, silent = pools.listed(snapshot.drivers, rows)
    owners = volumes.places_of(volume_ids=[info.id for info in everything if info.backend])
    doubles = [info for info in everything if _is_double(snapshot, info, owners)]
    for info in doubles:
        if owners[info.id][1] not in silent:
            _remove_double(snapshot, info)
    # In a shared pool, what is not this host's is another's; what is nobody's is one host's to see to.
    infos = [info for info in everything if info not in doubles and (not info.shared or info.id in rows)]
    there = {info.id for info in (*infos, *doubles)}
    for info in sorted(infos, key=lambda info: info.id):
        if info.id not in rows:
            _remove_stranger(snapshot, info)
    for info in _ownerless(snapshot, everything):
        _remove_ownerless(snapshot, info)
    for info in infos:
        _remove_snapshots(snapshot, info)
    _check_reserve(snapshot)
    for volume_id, volume in rows.items():
        if volume_id not in there and volume.status in states.READABLE and volume.backend not in silent:
            problem = f"{volume.status} by its row, and none of its files are on the host"
            snapshot.report.remains(KIND, volume_id, found=problem)
    for text in pools.sweep(snapshot.drivers, silent):
        snapshot.report.repaired(KIND, text[:64], found=f"{text}: left by a killed process", done="removed")


def _is_double(snapshot: HostSnapshot, info: VolumeInfo, owners: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether another back end than its own has a volume that this host would find in its own."""
    host, backend = owners.get(info.id, ("", info.backend))
    own = snapshot.drivers.volume.backends().get(backend)
    is_here = host == snapshot.drivers.host or (own is not None and own.capabilities.shared)
    return bool(info.backend) and backend != info.backend and (is_here or info.shared)


def _remove_double(snapshot: HostSnapshot, info: VolumeInfo) -> None:
    """Remove what another back end than its own has of a volume, if its own has it. Read again under its lock, and
    without a run. A back end that has another name now has its volumes' only copies: they are reported.
    """
    volume_id, known = uuid.UUID(info.id), snapshot.drivers.volume.backends()
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        owners = volumes.places_of(volume_ids=[info.id]) if is_idle else {}
        if not _is_double(snapshot, info, owners):
            return
        own = owners[info.id][1]
        problem = f"also in the back end {info.backend}, and its own is {own}"
        if own not in known or not known[own].has(info.id):
            problem = f"in the back end {info.backend}, and its own, {own}, does not have it here"
            snapshot.report.remains(KIND, volume_id, found=problem, done="left: it may be the only copy")
            return
        if not settings.REMOVE_STRANGERS or _is_held(snapshot, info):
            snapshot.report.remains(KIND, volume_id, found=problem, done="left: while a server has it")
            return
        try:
            known[info.backend].close_export(info.id, None)
            known[info.backend].delete_volume(info.id)
        except DriverError as error:
            snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
            return
    snapshot.report.repaired(KIND, volume_id, found=problem, done="deleted there")


def _is_held(snapshot: HostSnapshot, info: VolumeInfo) -> bool:
    """Return whether a server has the volume, as far as this host knows in the other back end: no guest of this host
    opens it there if each opens the one that its row names.
    """
    held = attachments.of_volume(volume_id=uuid.UUID(info.id))
    hypervisor, here = snapshot.drivers.hypervisor, snapshot.drivers.host
    for row in held:
        name = hypervisor.disk_source(str(row.server_id), mapping.serial_of(row)) if row.host == here else ""
        if not name or row.at_target or not mapping.is_opened_as(row, name):
            return True
    return False


def _give_back(driver: VolumeDriver, volume_id: uuid.UUID) -> str:
    """Release what a run took over that then failed: it is an operator's. Return its name, "" for other volumes."""
    for run in runs.of_subject(subject_type=VOLUME.name, subject_id=volume_id):
        if run.pipeline == "volume.manage":
            if run.state == SUCCEEDED:
                return ""
            reference = str(run.params["reference"])
            driver.release_volume(str(volume_id), reference)
            return reference
    return ""


def _ownerless(snapshot: HostSnapshot, infos: Sequence[VolumeInfo]) -> list[VolumeInfo]:
    """Return what is in shared pools without a row, of the pools that this host is to look after."""
    shared = [info for info in infos if info.shared and info.backend]
    caretakers = {key: pool_rows.caretaker(backend=key) for key in {info.backend for info in shared}}
    mine = [info for info in shared if caretakers[info.backend] == snapshot.drivers.host]
    there = volumes.existing([uuid.UUID(info.id) for info in mine]) if mine else set()
    return [info for info in mine if uuid.UUID(info.id) not in there]


def _remove_ownerless(snapshot: HostSnapshot, info: VolumeInfo) -> None:
    """Remove what was this cloud's, and is nobody's now. The rest is reported: the pool may be others', too."""
    volume_id = uuid.UUID(info.id)
    with idle_volume(volume_id) as is_idle:
        if not is_idle or volumes.load(volume_id=volume_id) is not None or _is_uploaded(volume_id):
            return
        problem = f"data of a volume in the shared pool {info.backend}, but no volume has this id"
        if not settings.REMOVE_STRANGERS or not _was_ours(volume_id):
            snapshot.report.remains(KIND, volume_id, found=problem, done="left: it may be another cloud's")
            return
        driver = snapshot.drivers.volume.backends()[info.backend]
        try:
            if reference := _give_back(driver, volume_id):
                snapshot.report.repaired(KIND, volume_id, found=problem, done=f"released as {reference}")
                return
            driver.close_export(info.id, None)
            driver.delete_volume(info.id)
        except DriverError as error:
            snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
            return
    snapshot.report.repaired(KIND, volume_id, found=problem, done="removed")


def _was_ours(volume_id: uuid.UUID) -> bool:
    """Return whether the cloud had a volume of this id, or a clone that a backup or an image was read from."""
    known = {**volumes.names([volume_id]), **backups.names([volume_id])}
    return volume_id in known or images.name_of(image_id=volume_id) is not None


def _is_uploaded(volume_id: uuid.UUID) -> bool:
    """Return whether a run reads a clone of this id into the image of this id."""
    return images.unfilled().filter(id=volume_id).exists()


def _remove_snapshots(snapshot: HostSnapshot, info: VolumeInfo) -> None:
    """Delete the snapshots of a volume that have no rows. Read again under the volume's lock, and without a run."""
    if not info.snapshots:
        return
    volume_id, drivers = uuid.UUID(info.id), snapshot.drivers
    for snapshot_id in set(info.snapshots) - _snapshots_of(volume_id):
        with (
            leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle,
            leases.idle(subject_type=SNAPSHOT.name, subject_id=uuid.UUID(snapshot_id)) as is_free,
        ):
            if not (is_idle and is_free) or snapshot_id in _snapshots_of(volume_id):
                continue
            problem = f"the snapshot {snapshot_id} is in the pool, and has no row"
            try:
                drivers.volume.delete_snapshot(info.id, snapshot_id)
            except DriverError as error:
                snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
                continue
        snapshot.report.repaired(KIND, volume_id, found=problem, done="deleted")


def _snapshots_of(volume_id: uuid.UUID) -> set[str]:
    return {str(key) for key in snapshots.of_volume(volume_id=volume_id).values_list("id", flat=True)}


def _check_reserve(snapshot: HostSnapshot) -> None:
    """Guests' writes go on where new volumes are refused: an operator has to make room."""
    host = snapshot.drivers.host
    for backend, pool in pools.report(snapshot.drivers).items():
        if pool.free_gib < pool.reserve_gib:
            problem = f"{pool.free_gib} GiB are free for volumes, less than the reserve of {pool.reserve_gib} GiB"
            snapshot.report.remains(POOL, f"{host}@{backend}", found=problem)


def _remove_stranger(snapshot: HostSnapshot, info: VolumeInfo) -> None:
    drivers, volume_id = snapshot.drivers, uuid.UUID(info.id)
    driver = drivers.volume.backends().get(info.backend, drivers.volume)
    with idle_volume(volume_id) as is_idle:
        row = volumes.load(volume_id=volume_id) if is_idle else None
        if not is_idle or (row is not None and row.host == drivers.host) or _is_uploaded(volume_id):
            return
        if row is not None and any(it.at_target for it in attachments.of_volume(volume_id=volume_id)):
            return  # its guest may have written here alone
        if str(volume_id) not in {info.id for info in driver.list_volumes() if not info.shared}:
            return
        owner = "no volume has this id" if row is None else f"the volume is on {row.host or 'no host'}"
        problem = f"files of a volume on the host, but {owner}"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(KIND, volume_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            return
        if reference := _give_back(driver, volume_id):
            snapshot.report.repaired(KIND, volume_id, found=problem, done=f"released as {reference}")
            return
        driver.close_export(str(volume_id), None)
        driver.delete_volume(str(volume_id))
    snapshot.report.repaired(KIND, volume_id, found=problem, done="removed")
