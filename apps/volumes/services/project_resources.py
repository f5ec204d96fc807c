"""A project's resources in the volume service, for deleting the project."""

from apps.common.context import RequestContext
from apps.identity.services.project_resources import ProjectResource
from apps.identity.services.project_resources import register as register_resource
from apps.volumes.exceptions import BackupNotFound, InvalidBackup, InvalidSnapshot, InvalidVolume, SnapshotNotFound
from apps.volumes.models import Backup, BackupPlan, Group, GroupSnapshot, Snapshot, Volume, VolumeTypeAccess
from apps.volumes.services import backups, snapshots, volumes


def count_volumes(project_id: str) -> int:
    return Volume.objects.filter(project_id=project_id, deleted_at=None).count()


def purge_volumes(context: RequestContext) -> None:
    """Begin to delete every volume of the caller's project with its snapshots, but those that a server or a copy uses.

    Servers are purged before: a purge that is repeated finds their volumes free.
    """
    for row in list(Volume.objects.filter(project_id=context.project_id, deleted_at=None)):
        try:
            volumes.delete(context=context, volume=row, cascade=True, force=True)
        except (InvalidVolume, InvalidSnapshot):
            continue


def count_snapshots(project_id: str) -> int:
    return Snapshot.objects.filter(project_id=project_id, deleted_at=None).count()


def purge_snapshots(context: RequestContext) -> None:
    """Begin to delete every snapshot of the caller's project that nothing is made of now, also those of groups."""
    GroupSnapshot.objects.filter(project_id=context.project_id).update(is_deleting=True)
    for row in list(Snapshot.objects.filter(project_id=context.project_id, deleted_at=None)):
        try:
            snapshots.delete(context=context, snapshot=row, force=True)
        except (InvalidSnapshot, SnapshotNotFound):
            continue


def count_backups(project_id: str) -> int:
    return Backup.objects.filter(project_id=project_id, deleted_at=None).count()


def purge_backups(context: RequestContext) -> None:
    """Begin to delete every backup of the caller's project that no other is based on; repeated, it gets the rest."""
    for row in list(Backup.objects.filter(project_id=context.project_id, deleted_at=None).order_by("-created_at")):
        try:
            backups.delete(context=context, backup=row, force=True)
        except (InvalidBackup, BackupNotFound):
            continue


def count_plans(project_id: str) -> int:
    return BackupPlan.objects.filter(project_id=project_id).count()


def drop_plans(context: RequestContext) -> None:
    BackupPlan.objects.filter(project_id=context.project_id).delete()


def count_groups(project_id: str) -> int:
    return Group.objects.filter(project_id=project_id, is_deleting=False).count()


def drop_groups(context: RequestContext) -> None:
    """Groups go with the last of their volumes, which are purged before."""
    GroupSnapshot.objects.filter(project_id=context.project_id).update(is_deleting=True)
    Group.objects.filter(project_id=context.project_id).update(is_deleting=True)


def count_access(project_id: str) -> int:
    return VolumeTypeAccess.objects.filter(project_id=project_id).count()


def drop_access(context: RequestContext) -> None:
    VolumeTypeAccess.objects.filter(project_id=context.project_id).delete()


def register() -> None:
    register_resource(ProjectResource(noun="volumes", count=count_volumes, purge=purge_volumes, rank=2))
    register_resource(
        ProjectResource(noun="volume snapshots", count=count_snapshots, purge=purge_snapshots, rank=2, repeats=True)
    )
    register_resource(
        ProjectResource(noun="volume backups", count=count_backups, purge=purge_backups, rank=2, repeats=True)
    )
    register_resource(ProjectResource(noun="backup plans", count=count_plans, purge=drop_plans, rank=1))
    register_resource(ProjectResource(noun="volume groups", count=count_groups, purge=drop_groups, rank=3))
    register_resource(
        ProjectResource(noun="volume type access", count=count_access, purge=drop_access, rank=3, counted=False)
    )
