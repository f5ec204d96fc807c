"""Naming pipelines: the one place where the work of volumes is enqueued.

Each function runs in the caller's transaction; the message is sent after the commit.
"""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.common.context import RequestContext
from apps.scheduling.selectors import hosts
from apps.volumes import states
from apps.volumes.models import Attachment, Backup, Snapshot, Volume
from apps.volumes.selectors import pools
from apps.workflow import states as workflow_states
from apps.workflow.services import runs

IMAGE = "image"  # the parameter of a run that names the image which it fills

if TYPE_CHECKING:
    from apps.workflow.models import Run


def create(*, context: RequestContext, volume: Volume) -> None:
    """Start volume.create: the scheduler chooses a host, which makes the volume. The backup of its data is kept."""
    also = [(states.BACKUP, volume.source_backup_id)] if volume.source_backup_id is not None else []
    _start(context, "volume.create", "create", volume.id, volume.project_id, volume.name, also=also)


def delete(*, context: RequestContext, volume: Volume, cancelled: "Run | None" = None) -> None:
    """Start volume.delete: on the volume's host, or on the scheduler's queue if it has none or its host is down.

    ``cancelled``: the run that the deletion took the volume from.
    """
    params = {"cancelled": str(cancelled.id)} if cancelled is not None else {}
    where = _host(volume, release=True)
    _start(context, "volume.delete", "delete", volume.id, volume.project_id, volume.name, params=params, **where)


def extend(*, context: RequestContext, volume: Volume, new_size: int) -> None:
    """Start volume.extend to ``new_size`` GiB on the volume's host."""
    params, where = {"new_size": new_size}, _host(volume)
    _start(context, "volume.extend", "extend", volume.id, volume.project_id, volume.name, params=params, **where)


def migrate(
    *, context: RequestContext, volume: Volume, params: dict[str, str], attachment: Attachment | None = None
) -> None:
    """Start volume.migrate: to the back end that ``params`` name. With the ``attachment`` of a server it is
    volume.migrate_attached, which keeps the server, too.
    """
    params, also, pipeline = {**params, "from": volume.backend}, [], "volume.migrate"
    if attachment is not None and attachment.server_id is not None:
        pipeline, also = "volume.migrate_attached", [(states.SERVER, attachment.server_id)]
        params["attachment"] = str(attachment.id)
    _start(context, pipeline, "migrate", volume.id, volume.project_id, volume.name, params=params, also=also)


def convert(*, context: RequestContext, volume: Volume, volume_type_id: uuid.UUID) -> None:
    """Start volume.convert on the volume's host, for the type that it gets."""
    where: dict[str, Any] = {"params": {"type": str(volume_type_id)}, **_host(volume)}
    _start(context, "volume.convert", "convert", volume.id, volume.project_id, volume.name, **where)


def manage(*, context: RequestContext, volume: Volume, reference: str) -> None:
    """Start volume.manage of what a pool has under a name."""
    params = {"reference": reference}
    _start(context, "volume.manage", "manage", volume.id, volume.project_id, volume.name, params=params)


def unmanage(*, context: RequestContext, volume: Volume, reference: str) -> None:
    """Start volume.unmanage on the volume's host; the pool has its data under a name then."""
    where: dict[str, Any] = {"params": {"reference": reference}, **_host(volume)}
    _start(context, "volume.unmanage", "unmanage", volume.id, volume.project_id, volume.name, **where)


def manage_snapshot(*, context: RequestContext, snapshot: Snapshot, kept_as: str) -> None:
    """Start snapshot.manage of what the volume's pool has under a name."""
    _of_snapshot(context, "manage", snapshot, kept_as)


def unmanage_snapshot(*, context: RequestContext, snapshot: Snapshot, kept_as: str) -> None:
    """Start snapshot.unmanage; the pool has its data under a name then."""
    _of_snapshot(context, "unmanage", snapshot, kept_as)


def _of_snapshot(context: RequestContext, action: str, snapshot: Snapshot, kept_as: str) -> None:
    where: dict[str, Any] = {"params": {"kept_as": kept_as}, **_host(snapshot.volume)}
    _start(context, f"snapshot.{action}", action, snapshot.id, snapshot.project_id, snapshot.name, **where)


def revert(*, context: RequestContext, volume: Volume, snapshot_id: uuid.UUID) -> None:
    """Start volume.revert on the volume's host; the run keeps the snapshot."""
    params = {"snapshot": str(snapshot_id)}
    values: dict[str, Any] = {"also": [(states.SNAPSHOT, snapshot_id)], "params": params, **_host(volume)}
    _start(context, "volume.revert", "revert", volume.id, volume.project_id, volume.name, **values)


def reimage(*, context: RequestContext, volume: Volume, image_id: uuid.UUID, metadata: Mapping[str, str]) -> None:
    """Start volume.reimage on the volume's host: it gets the image's content, and shows this of the image."""
    values: dict[str, Any] = {"params": {"source": str(image_id), "metadata": dict(metadata)}, **_host(volume)}
    _start(context, "volume.reimage", "reimage", volume.id, volume.project_id, volume.name, **values)


def upload_image(
    *, context: RequestContext, volume: Volume, image_id: uuid.UUID, disk_format: str, run_id: uuid.UUID
) -> None:
    """Start volume.upload_image on the volume's host. The clone that it reads has the image's ID: the run keeps it."""
    params = {IMAGE: str(image_id), "format": disk_format}
    values: dict[str, Any] = {"also": [(states.SUBJECT, image_id)], "run_id": run_id, "params": params}
    where = _host(volume)
    _start(context, "volume.upload_image", "upload_image", volume.id, volume.project_id, volume.name, **values, **where)


def create_snapshot(
    *, context: RequestContext, snapshot: Snapshot, moment: str | None = None, must_wait: bool = False
) -> None:
    """Start snapshot.create on the volume's host. The snapshot's volume is read. ``moment``: an ID of those that guests
    wait for together; ``must_wait``: without that it fails.
    """
    params = {**({"moment": moment} if moment else {}), **({"must_wait": True} if must_wait else {})}
    where: dict[str, Any] = {"params": params, **_host(snapshot.volume)}
    _start(context, "snapshot.create", "create", snapshot.id, snapshot.project_id, snapshot.name, **where)


def delete_snapshot(*, context: RequestContext, snapshot: Snapshot, cancelled: "Run | None" = None) -> None:
    """Start snapshot.delete: on the volume's host, or on the scheduler's queue if its host is down."""
    params = {"cancelled": str(cancelled.id)} if cancelled is not None else {}
    where = _host(snapshot.volume, release=True)
    _start(
        context, "snapshot.delete", "delete", snapshot.id, snapshot.project_id, snapshot.name, params=params, **where
    )


def create_backup(*, context: RequestContext, backup: Backup, also: tuple[str, uuid.UUID]) -> None:
    """Start backup.create on the volume's host. ``also``: the volume or the snapshot, which the run keeps."""
    _of_backup(context, "create", backup, host=backup.host, also=[also])


def restore_backup(*, context: RequestContext, backup: Backup, volume: Volume) -> None:
    """Start backup.restore on the host of the volume that is written to."""
    _of_backup(context, "restore", backup, also=[(states.SUBJECT, volume.id)], **_host(volume))


def delete_backup(*, context: RequestContext, backup: Backup, params: dict[str, str]) -> None:
    """Start backup.delete: on the host that made it, or on the scheduler's queue if that is down."""
    where: dict[str, Any] = {"host": backup.host}
    if not hosts.is_up(backup.host):
        where["queue"] = workflow_states.SCHEDULER_QUEUE
    _of_backup(context, "delete", backup, params=params, **where)


def _of_backup(context: RequestContext, action: str, backup: Backup, **values: Any) -> None:
    _start(context, f"backup.{action}", action, backup.id, backup.project_id, backup.name, **values)


def _host(volume: Volume, *, release: bool = False) -> dict[str, Any]:
    """Return where a run begins. What releases does not wait for a host that is down; in a shared pool another host
    does the work.
    """
    if not volume.host:
        return {}
    if not pools.takes_host_disk(volume.backend) and not hosts.is_up(volume.host):
        stand_in = pools.stand_in(volume)
        if stand_in:
            return {"host": stand_in}
    if release and not hosts.is_up(volume.host):
        return {"host": volume.host, "queue": workflow_states.SCHEDULER_QUEUE}
    return {"host": volume.host}


def _start(
    context: RequestContext,
    pipeline: str,
    action: str,
    subject_id: uuid.UUID,
    project_id: str,
    name: str,
    **values: Any,
) -> None:
    runs.start(
        context=context,
        pipeline=pipeline,
        action=action,
        subject_id=subject_id,
        project_id=project_id,
        subject_name=name,
        **values,
    )
