"""/extensions, /resource_filters and /messages: what the service has, in lists that do not change."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.views.base import VolumeView, WholeCollection
from apps.volumes.exceptions import MessageNotFound
from apps.volumes.selectors import lists

# alias -> name
OFFERED = {
    "OS-SCH-HNT": "SchedulerHints",
    "os-admin-actions": "AdminActions",
    "backups": "Backups",
    "os-availability-zone": "AvailabilityZones",
    "os-extended-snapshot-attributes": "ExtendedSnapshotAttributes",
    "os-hosts": "Hosts",
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
SIMILAR_SINCE = since("3.34")


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
        similar = [f"{name}~" for name in lists.SIMILAR] if self.version in SIMILAR_SINCE else []
        listed = [
            ("volume", [*lists.VOLUMES, "metadata", "glance_metadata", *similar]),
            ("snapshot", [*lists.SNAPSHOTS, "metadata", *(name for name in similar if name != "availability_zone~")]),
            ("backup", list(lists.BACKUPS)),
            ("attachment", list(lists.ATTACHMENTS)),
            ("volume_type", ["is_public"]),
            ("pool", ["name"]),
        ]
        wanted = self.request.query_params.get("resource")
        return [row for row in listed if not wanted or row[0] == wanted]

    def render(self, row: tuple[str, list[str]]) -> dict[str, Any]:
        return {"resource": row[0], "filters": row[1]}


class MessagesView(WholeCollection):
    """Messages about failures (3.3): none are recorded; ``error`` of a volume's page says why it failed."""

    plural, rule = "messages", "message:get_all"
    versions = since("3.3")

    def rows(self) -> tuple[()]:
        return ()


class MessageView(VolumeView):
    """No message is recorded."""

    versions = since("3.3")

    def get(self, request: Request, message_id: str) -> Response:
        self.check("message:get")
        raise MessageNotFound(message=message_id[:64])

    def delete(self, request: Request, message_id: str) -> Response:
        self.check("message:delete")
        raise MessageNotFound(message=message_id[:64])
