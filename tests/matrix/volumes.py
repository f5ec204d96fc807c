"""Volumes, snapshots and backups of the matrix: made, looked at and deleted through their services."""

import zlib
from typing import TYPE_CHECKING

from tests.cloud import Cloud, wait_for
from tests.matrix.cells import HOSTS

if TYPE_CHECKING:
    from tests.matrix.batches import Case

# Each volume has a separate project: quotas are small.
_SETUP = (
    "from apps.common.context import RequestContext as Context;"
    " from apps.volumes.models import Backup, EncryptionType, Snapshot, Volume, VolumeType;"
    " from apps.volumes.services import backups, managing, snapshots, volume_images, volume_reimage, volumes;"
    " context = Context(user_id='admin', project_id={project!r}, request_id='req-matrix');"
)
_SECRET_TYPE = (
    "(kind := VolumeType.objects.get_or_create(name='secret')[0],"
    " EncryptionType.objects.get_or_create(volume_type=kind, defaults=dict(provider='luks')))[0]"
)
_CLEAR_TYPE = "VolumeType.objects.get_or_create(name='clear')[0]"
_IN_CLEAR_TEXT = ("manage", "upload", "swap", "convert", "attached")  # what these do is refused for encrypted volumes
# Where those that make a container, or write to one, are held.
_AT_CONTAINER = {"volume.create": "encrypt", "volume.migrate": "copy_encrypted", "volume.reimage": "encrypt"}
_VOLUME = "volume = Volume.objects.get(id={key!r});"
_SNAPSHOT = "snapshot = Snapshot.objects.select_related('volume').get(id={key!r});"
_BACKUP = "backup = Backup.objects.get(id={key!r});"
_OPEN = "SELECT 1 FROM workflow_run WHERE subject_id = %s AND state IN ('queued', 'running', 'reverting')"


def _do(cloud: Cloud, code: str, **values: str) -> str:
    text = (_SETUP + code).format(**{"project": "matrix", **values})
    return cloud.manage("shell", "-v", "0", "-c", text).strip()


def begin(cloud: Cloud, name: str, project: str = "") -> str:
    """Request a volume; return its ID. Each second one is encrypted, where its pipeline has such."""
    row = "Volume(project_id={project!r}, user_id='admin', name={name!r}, size=1, **more)"
    more = f" more = dict(volume_type={_SECRET_TYPE}, encrypted=True);" if _is_encrypted(name) else " more = dict();"
    code = f"{more} print(volumes.create(context=context, volume={row}).id)"
    return _do(cloud, code, project=project or name, name=name)


def _is_encrypted(name: str, bit: int = 0) -> bool:
    return bool(zlib.crc32(name.encode()) >> bit & 1) and not any(word in name for word in _IN_CLEAR_TEXT)


def inside_of(pipeline: str, name: str) -> str:
    """Return the driver's call in which a case is held that is held inside a step: that with the key, if it has one."""
    works_with_key = _is_encrypted(name) or (pipeline == "volume.migrate" and _is_encrypted(name, 1))
    return _AT_CONTAINER.get(pipeline, "*") if works_with_key else "*"


def make_for_server(cloud: Cloud, case: "Case") -> str:
    """Make a volume of the server's project, for each second case on another host; return its ID."""
    [[project]] = cloud.rows("SELECT project_id FROM compute_server WHERE id = %s", case.subject)
    host = HOSTS[2] if int(case.name[:2]) % 2 else HOSTS[0]
    cloud.rows("UPDATE scheduling_host SET enabled = (name = %s)", host)
    key = begin(cloud, f"for-{case.name}", str(project))
    assert settled(cloud, "volumes_volume", key) == "available"
    cloud.rows("UPDATE scheduling_host SET enabled = (name = %s)", HOSTS[0])
    return key


def attach(cloud: Cloud, case: "Case") -> None:
    """Attach the volume that was made for the server."""
    [[key]] = cloud.rows("SELECT id::text FROM volumes_volume WHERE name = %s", f"for-{case.name}")
    path = f"/compute/v2.1/servers/{case.subject}/os-volume_attachments"
    answer = cloud.call("POST", path, {"volumeAttachment": {"volumeId": key}})
    assert answer.status_code == 200, answer.text


def attached(cloud: Cloud, case: "Case") -> None:
    """Make a volume and attach it to the server."""
    make_for_server(cloud, case)
    attach(cloud, case)
    cloud.settled(case.subject)


def attached_beside_another(cloud: Cloud, case: "Case") -> None:
    """Make a volume and attach it to the server; make another one."""
    attached(cloud, case)
    [[project]] = cloud.rows("SELECT project_id FROM compute_server WHERE id = %s", case.subject)
    key = begin(cloud, f"new-{case.name}", str(project))
    assert settled(cloud, "volumes_volume", key) == "available"


def swap(cloud: Cloud, case: "Case") -> None:
    """Put the other volume in the place of the server's."""
    [[old]] = cloud.rows("SELECT id::text FROM volumes_volume WHERE name = %s", f"for-{case.name}")
    [[new]] = cloud.rows("SELECT id::text FROM volumes_volume WHERE name = %s", f"new-{case.name}")
    path = f"/compute/v2.1/servers/{case.subject}/os-volume_attachments/{old}"
    answer = cloud.call("PUT", path, {"volumeAttachment": {"volumeId": new}}, admin=True)
    assert answer.status_code == 202, answer.text


def in_use(cloud: Cloud, case: "Case") -> None:
    """Put one that a server has in its place, of the same name: moments are found by that."""
    server = cloud.create(f"with-{case.name}")
    assert cloud.settled(server)["status"] == "ACTIVE"
    [[project]] = cloud.rows("SELECT project_id FROM compute_server WHERE id = %s", server)
    case.subject = begin(cloud, case.name, str(project))
    assert settled(cloud, "volumes_volume", case.subject) == "available"
    path = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    answer = cloud.call("POST", path, {"volumeAttachment": {"volumeId": case.subject}})
    assert answer.status_code == 200, answer.text
    cloud.settled(server)


def detach(cloud: Cloud, case: "Case") -> None:
    [[key]] = cloud.rows("SELECT id::text FROM volumes_volume WHERE name = %s", f"for-{case.name}")
    answer = cloud.call("DELETE", f"/compute/v2.1/servers/{case.subject}/os-volume_attachments/{key}")
    assert answer.status_code == 202, answer.text


def begin_snapshot(cloud: Cloud, name: str) -> str:
    """Request a snapshot of a new volume; return its ID."""
    key = begin(cloud, f"of-{name}")
    assert settled(cloud, "volumes_volume", key) == "available"
    code = " print(snapshots.create(context=context, volume=volume, values=dict(name={name!r})).id)"
    return _do(cloud, _VOLUME + code, project=f"of-{name}", name=name, key=key)


def begin_managed(cloud: Cloud, name: str) -> str:
    """Release a volume, and begin to take it over; return the ID that it has then."""
    key = begin(cloud, f"of-{name}")
    assert settled(cloud, "volumes_volume", key) == "available"
    _do(cloud, _VOLUME + " managing.unmanage(context=context, volume=volume)", key=key)
    wait_for(lambda: is_gone(cloud, "volumes_volume", key), what=f"{key} unmanaged")
    [[host]] = cloud.rows("SELECT host FROM volumes_volume WHERE id = %s", key)
    code = (
        " print(managing.manage(context=context, host={host!r}, reference=dict([('source-name', {reference!r})]),"
        " values=dict(name={name!r})).id)"
    )
    place = f"{host}@local#local"
    return _do(cloud, code, project=name, name=name, host=place, reference=f"volume-{key}")


def begin_managed_snapshot(cloud: Cloud, name: str) -> str:
    """Release a snapshot, and begin to take it over; return the ID that it has then."""
    key = begin_snapshot(cloud, f"x-{name}")
    assert settled(cloud, "volumes_snapshot", key) == "available"
    _do(cloud, _SNAPSHOT + " managing.unmanage_snapshot(context=context, snapshot=snapshot)", key=key)
    wait_for(lambda: is_gone(cloud, "volumes_snapshot", key), what=f"{key} unmanaged")
    code = (
        " print(managing.manage_snapshot(context=context, volume=snapshot.volume, values=dict(name={name!r}),"
        " reference=dict([('source-name', {reference!r})])).id)"
    )
    return _do(cloud, _SNAPSHOT + code, project=name, name=name, key=key, reference=f"_snapshot-{key}")


def unmanage(cloud: Cloud, case: "Case") -> None:
    _do(cloud, _VOLUME + " managing.unmanage(context=context, volume=volume)", key=case.subject)


def unmanage_snapshot(cloud: Cloud, case: "Case") -> None:
    _do(cloud, _SNAPSHOT + " managing.unmanage_snapshot(context=context, snapshot=snapshot)", key=case.subject)


def begin_backup(cloud: Cloud, name: str) -> str:
    """Request a backup of a new volume; return its ID."""
    key = begin(cloud, f"of-{name}")
    assert settled(cloud, "volumes_volume", key) == "available"
    code = " print(backups.create(context=context, volume=volume, values=dict(name={name!r})).id)"
    return _do(cloud, _VOLUME + code, project=f"of-{name}", name=name, key=key)


def check_backup(cloud: Cloud, key: str, gone: bool) -> None:
    """Its volume is free, and no clone of it is left on a host."""
    statuses = cloud.rows(
        "SELECT v.status FROM volumes_backup b JOIN volumes_volume v ON v.id = b.volume_id WHERE b.id = %s", key
    )
    assert statuses in ([("available",)], [("error_restoring",)])


def restore_backup(cloud: Cloud, case: "Case") -> None:
    code = " backups.restore(context=context, backup=backup, volume=Volume.objects.get(id=backup.volume_id))"
    _do(cloud, _BACKUP + code, key=case.subject)


def delete_backup(cloud: Cloud, case: "Case") -> None:
    _do(cloud, _BACKUP + " backups.delete(context=context, backup=backup)", key=case.subject)


def settled(cloud: Cloud, table: str, key: str) -> str:
    """Return the status once no run is open."""
    wait_for(lambda: not cloud.rows(_OPEN, key), what=f"{key} settled")
    return str(cloud.rows(f"SELECT status FROM {table} WHERE id = %s", key)[0][0])


def is_gone(cloud: Cloud, table: str, key: str) -> bool:
    return not cloud.rows(f"SELECT 1 FROM {table} WHERE id = %s AND deleted_at IS NULL", key)


def check(cloud: Cloud, key: str, gone: bool) -> None:
    """It holds room on its host only."""
    claimed = cloud.rows(
        "SELECT h.name FROM scheduling_allocation a JOIN scheduling_host h ON h.id = a.host_id"
        " WHERE a.consumer_id = %s",
        key,
    )
    placed = cloud.rows("SELECT host FROM volumes_volume WHERE id = %s AND deleted_at IS NULL AND host <> ''", key)
    assert claimed == placed and (not gone or not placed)


def clear(cloud: Cloud) -> None:
    """Delete all backups, and all volumes with their snapshots; before them the servers that have volumes."""
    cloud.delete_all()
    kept = "SELECT id::text FROM volumes_backup WHERE deleted_at IS NULL"
    if cloud.rows(kept):
        rows_of = "Backup.objects.filter(deleted_at=None)"
        _do(cloud, f" [backups.delete(context=context, backup=row, force=True) for row in {rows_of}]")
        wait_for(lambda: not cloud.rows(kept), what="all backups deleted")
    rows = "SELECT id::text FROM volumes_volume WHERE deleted_at IS NULL"
    if not cloud.rows(rows):
        return
    code = (
        " [volumes.delete(context=context, volume=row, cascade=True, force=True)"
        " for row in Volume.objects.filter(deleted_at=None)]"
    )
    _do(cloud, code)
    wait_for(lambda: not cloud.rows(rows), what="all volumes deleted")


def delete(cloud: Cloud, case: "Case") -> None:
    _do(cloud, _VOLUME + " volumes.delete(context=context, volume=volume)", key=case.subject)


def extend(cloud: Cloud, case: "Case") -> None:
    _do(
        cloud,
        _VOLUME + " volumes.extend(context=context, volume=volume, new_size=2)",
        key=case.subject,
        project=case.name,
    )


def migrate(cloud: Cloud, case: "Case") -> None:
    """Move the volume to another host: any. One that is encrypted is decrypted, of the others each second encrypted."""
    code = (
        " from django.db.transaction import atomic; from apps.volumes.services import managing, volume_migrations;"
        " begin = atomic(lambda known: volume_migrations.begin(context=context, row=volumes.locked(volume),"
        " known=known, status='maintenance', backend='local')); begin(managing.unmanaged_of(volume))"
    )
    if inside_of(case.cell.pipeline, case.name) != "*":
        kind = _CLEAR_TYPE if _is_encrypted(case.name) else _SECRET_TYPE
        code = (
            f" from apps.volumes.services import volume_retype; kind = {kind};"
            " volume_retype.retype(context=context, volume=volume, volume_type=kind, may_move=True)"
        )
    _do(cloud, _VOLUME + code, key=case.subject, project=case.name)


def convert(cloud: Cloud, case: "Case") -> None:
    """Give the volume a type that several servers may have."""
    code = (
        " from apps.volumes.models import VolumeType; from apps.volumes.services import volume_retype;"
        " shared = VolumeType.objects.get_or_create(name='matrix', extra_specs=dict(multiattach='<is> True'))[0];"
        " volume_retype.retype(context=context, volume=volume, volume_type=shared, may_move=True)"
    )
    _do(cloud, _VOLUME + code, key=case.subject, project=case.name)


def snapshot(cloud: Cloud, case: "Case") -> None:
    """Make a snapshot of the volume."""
    code = " print(snapshots.create(context=context, volume=volume, values=dict(name='s')).id)"
    key = _do(cloud, _VOLUME + code, key=case.subject, project=case.name)
    assert settled(cloud, "volumes_snapshot", key) == "available"


def revert(cloud: Cloud, case: "Case") -> None:
    code = " volumes.revert(context=context, volume=volume, snapshot_id=Snapshot.objects.get(volume=volume).id)"
    _do(cloud, _VOLUME + code, key=case.subject)


def reimage(cloud: Cloud, case: "Case") -> None:
    code = " volume_reimage.begin(context=context, volume=volume, image_id={image!r})"
    _do(cloud, _VOLUME + code, key=case.subject, project=case.name, image=cloud.image())


def upload(cloud: Cloud, case: "Case") -> None:
    code = " volume_images.upload(context=context, volume=volume, values=dict(image_name='i'))"
    _do(cloud, _VOLUME + code, key=case.subject, project=case.name)


def delete_snapshot(cloud: Cloud, case: "Case") -> None:
    _do(cloud, _SNAPSHOT + " snapshots.delete(context=context, snapshot=snapshot)", key=case.subject)
