"""/extensions and /resource_filters: what the service has, in lists that do not change."""

from typing import Any

from apps.common.microversions import since
from apps.volumes.api.listing import filters_of
from apps.volumes.api.views.base import WholeCollection
from apps.volumes.selectors import lists

# alias -> name
OFFERED = {
    "OS-SCH-HNT": "SchedulerHints",
    "os-admin-actions": "AdminActions",
    "backups": "Backups",
    "celerity-backup-plans": "BackupPlans",
    "encryption": "VolumeEncryptionMetadata",
    "os-availability-zone": "AvailabilityZones",
    "os-extended-snapshot-attributes": "ExtendedSnapshotAttributes",
    "os-hosts": "Hosts",
    "qos-specs": "Qos_specs_manage",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-services": "Services",
    "os-snapshot-actions": "SnapshotActions",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-types-manage": "TypesManage",
    "os-used-limits": "UsedLimits",
    "os-vol-host-attr": "VolumeHostAttribute",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-vol-mig-status-attr": "VolumeMigStatusAttribute",
    "os-vol-tenant-attr": "VolumeTenantAttribute",
    "os-volume-actions": "VolumeActions",
    "os-volume-transfer": "VolumeTransfer",
    "os-volume-type-access": "VolumeTypeAccess",
    "scheduler-stats": "Scheduler_stats",
}
UPDATED = "2024-03-01T00:00:00+00:00"


class ExtensionsView(WholeCollection):
    """The extensions that the volume service offers."""

    plural, rule = "extensions", "volume_extension:list_extensions"

    def rows(self) -> list[str]:
        return list(OFFERED)

    def render(self, row: str) -> dict[str, Any]:
        return {"alias": row, "name": OFFERED[row], "description": "", "updated": UPDATED, "links": []}


class ResourceFiltersView(WholeCollection):
    """The filters that lists take (3.33)."""

    plural, rule = "resource_filters", "volume:get_all"
    versions = since("3.33")

    def rows(self) -> list[tuple[str, list[str]]]:
        wanted = self.request.query_params.get("resource")
        return [
            (resource, lists.names(resource, since=filters_of(resource, self.version)))
            for resource in lists.TABLES
            if not wanted or resource == wanted
        ]

    def render(self, row: tuple[str, list[str]]) -> dict[str, Any]:
        return {"resource": row[0], "filters": row[1]}
