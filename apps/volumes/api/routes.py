"""The routes below the version: one list per family of nouns."""

from django.urls import URLPattern, path

from apps.volumes.api.routes_not_offered import NOT_OFFERED_ROUTES
from apps.volumes.api.views import (
    attachments,
    backends,
    backup_plans,
    backups,
    default_types,
    encryption_types,
    extensions,
    extra_specs,
    group_snapshots,
    group_types,
    groups,
    managing,
    messages,
    metadata,
    qos_specs,
    quota_sets,
    snapshots,
    transfers,
    volume_actions,
    volume_types,
    volumes,
)

VOLUME_ROUTES: list[URLPattern] = [
    path("volumes", volumes.VolumesView.as_view()),
    path("volumes/detail", volumes.VolumesDetailView.as_view()),
    path("volumes/summary", volumes.VolumesSummaryView.as_view()),
    path("volumes/<volume_id>", volumes.VolumeItemView.as_view()),
    path("volumes/<volume_id>/action", volume_actions.VolumeActionView.as_view()),
    path("volumes/<volume_id>/encryption", volumes.VolumeEncryptionView.as_view()),
    path("volumes/<volume_id>/encryption/<key>", volumes.VolumeEncryptionKeyView.as_view()),
    path("volumes/<volume_id>/metadata", metadata.VolumeMetadataView.as_view()),
    path("volumes/<volume_id>/metadata/<key>", metadata.VolumeMetadataItemView.as_view()),
]
SNAPSHOT_ROUTES: list[URLPattern] = [
    path("snapshots", snapshots.SnapshotsView.as_view()),
    path("snapshots/detail", snapshots.SnapshotsDetailView.as_view()),
    path("snapshots/<snapshot_id>", snapshots.SnapshotView.as_view()),
    path("snapshots/<snapshot_id>/action", snapshots.SnapshotActionView.as_view()),
    path("snapshots/<snapshot_id>/metadata", metadata.SnapshotMetadataView.as_view()),
    path("snapshots/<snapshot_id>/metadata/<key>", metadata.SnapshotMetadataItemView.as_view()),
]
TYPE_ROUTES: list[URLPattern] = [
    path("types", volume_types.VolumeTypesView.as_view()),
    path("types/default", volume_types.DefaultVolumeTypeView.as_view()),
    path("types/<type_id>", volume_types.VolumeTypeView.as_view()),
    path("types/<type_id>/action", volume_types.VolumeTypeActionView.as_view()),
    path("types/<type_id>/encryption", encryption_types.VolumeTypeEncryptionView.as_view()),
    path("types/<type_id>/encryption/<encryption_id>", encryption_types.EncryptionTypeView.as_view()),
    path("types/<type_id>/extra_specs", extra_specs.ExtraSpecsView.as_view()),
    path("types/<type_id>/extra_specs/<key>", extra_specs.ExtraSpecView.as_view()),
    path("types/<type_id>/os-volume-type-access", volume_types.VolumeTypeAccessView.as_view()),
]
BACKUP_ROUTES: list[URLPattern] = [
    path("backups", backups.BackupsView.as_view()),
    path("backups/detail", backups.BackupsDetailView.as_view()),
    path("backups/import_record", backups.BackupImportView.as_view()),
    path("backups/<backup_id>", backups.BackupView.as_view()),
    path("backups/<backup_id>/action", backups.BackupActionView.as_view()),
    path("backups/<backup_id>/restore", backups.BackupRestoreView.as_view()),
    path("backups/<backup_id>/export_record", backups.BackupRecordView.as_view()),
]
QOS_ROUTES: list[URLPattern] = [
    path("default-types", default_types.DefaultTypesView.as_view()),
    path("default-types/<project_id>", default_types.DefaultTypeView.as_view()),
    path("qos-specs", qos_specs.QosSpecsView.as_view()),
    path("qos-specs/<qos_id>", qos_specs.QosSpecView.as_view()),
    path("qos-specs/<qos_id>/delete_keys", qos_specs.QosSpecKeysView.as_view()),
    path("qos-specs/<qos_id>/associations", qos_specs.QosAssociationsView.as_view()),
    *(
        path(f"qos-specs/<qos_id>/{verb}", qos_specs.QosAssociateView.as_view(verb=verb))
        for verb in ("associate", "disassociate", "disassociate_all")
    ),
]
GROUP_ROUTES: list[URLPattern] = [
    path("groups", groups.GroupsView.as_view()),
    path("groups/detail", groups.GroupsDetailView.as_view()),
    path("groups/action", groups.GroupFromSourceView.as_view()),
    path("groups/<group_id>", groups.GroupView.as_view()),
    path("groups/<group_id>/action", groups.GroupActionView.as_view()),
    path("group_types", group_types.GroupTypesView.as_view()),
    path("group_types/default", group_types.DefaultGroupTypeView.as_view()),
    path("group_types/<group_type_id>", group_types.GroupTypeView.as_view()),
    path("group_types/<group_type_id>/group_specs", group_types.GroupSpecsView.as_view()),
    path("group_types/<group_type_id>/group_specs/<key>", group_types.GroupSpecView.as_view()),
    path("group_snapshots", group_snapshots.GroupSnapshotsView.as_view()),
    path("group_snapshots/detail", group_snapshots.GroupSnapshotsDetailView.as_view()),
    path("group_snapshots/<group_snapshot_id>", group_snapshots.GroupSnapshotView.as_view()),
    path("group_snapshots/<group_snapshot_id>/action", group_snapshots.GroupSnapshotActionView.as_view()),
]
ATTACHMENT_ROUTES: list[URLPattern] = [
    path("attachments", attachments.AttachmentsView.as_view()),
    path("attachments/detail", attachments.AttachmentsDetailView.as_view()),
    path("attachments/<attachment_id>", attachments.AttachmentView.as_view()),
    path("attachments/<attachment_id>/action", attachments.AttachmentActionView.as_view()),
]
TRANSFER_ROUTES: list[URLPattern] = [
    route
    for kind in ("os-volume-transfer", "volume-transfers")
    for route in (
        path(kind, transfers.TransfersView.as_view(kind=kind)),
        path(f"{kind}/detail", transfers.TransfersDetailView.as_view(kind=kind)),
        path(f"{kind}/<transfer_id>", transfers.TransferView.as_view(kind=kind)),
        path(f"{kind}/<transfer_id>/accept", transfers.TransferAcceptView.as_view(kind=kind)),
    )
]
BACKUP_PLAN_ROUTES: list[URLPattern] = [
    path("backup_plans", backup_plans.BackupPlansView.as_view()),
    path("backup_plans/<plan_id>", backup_plans.BackupPlanView.as_view()),
]
MANAGE_ROUTES: list[URLPattern] = [
    route
    for name, view, detail in (
        ("volume", managing.ManageableVolumesView, managing.ManageableVolumesDetailView),
        ("snapshot", managing.ManageableSnapshotsView, managing.ManageableSnapshotsDetailView),
    )
    for place, versions in ((f"manageable_{name}s", managing.MANAGEABLE), (f"os-{name}-manage", None))
    for route in (
        path(place, view.as_view(versions=versions)),
        path(f"{place}/detail", detail.as_view(versions=versions)),
    )
]
CLOUD_ROUTES: list[URLPattern] = [
    path("limits", quota_sets.LimitsView.as_view()),
    path("os-quota-sets/<project_id>", quota_sets.QuotaSetView.as_view()),
    path("os-quota-sets/<project_id>/defaults", quota_sets.QuotaSetDefaultsView.as_view()),
    path("os-quota-class-sets/<name>", quota_sets.QuotaClassSetView.as_view()),
    path("os-availability-zone", backends.AvailabilityZonesView.as_view()),
    path("os-hosts", backends.HostsView.as_view()),
    path("os-hosts/<host>", backends.HostView.as_view()),
    path("os-services", backends.ServicesView.as_view()),
    *(
        path(f"os-services/{verb}", backends.ReplicationView.as_view())
        for verb in ("failover", "failover_host", "freeze", "thaw")
    ),
    path("os-services/<verb>", backends.ServiceActionView.as_view()),
    path("scheduler-stats/get_pools", backends.PoolsView.as_view()),
    path("capabilities/<host>", backends.CapabilitiesView.as_view()),
    path("extensions", extensions.ExtensionsView.as_view()),
    path("resource_filters", extensions.ResourceFiltersView.as_view()),
    path("messages", messages.MessagesView.as_view()),
    path("messages/<message_id>", messages.MessageView.as_view()),
]
ROUTES = [
    *VOLUME_ROUTES,
    *SNAPSHOT_ROUTES,
    *BACKUP_ROUTES,
    *TYPE_ROUTES,
    *QOS_ROUTES,
    *GROUP_ROUTES,
    *ATTACHMENT_ROUTES,
    *TRANSFER_ROUTES,
    *BACKUP_PLAN_ROUTES,
    *MANAGE_ROUTES,
    *CLOUD_ROUTES,
    *NOT_OFFERED_ROUTES,
]
