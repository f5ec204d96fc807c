"""Snapshots: create, list, show, update, delete, and operators' actions."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.volumes.api.documents import snapshots as documents
from apps.volumes.api.listing import SNAPSHOTS
from apps.volumes.api.serializers import metadata as metadata_serializers
from apps.volumes.api.serializers import snapshots as serializers
from apps.volumes.api.views.base import ActionView, Collection, Item
from apps.volumes.models import Snapshot
from apps.volumes.selectors import snapshots as selectors
from apps.volumes.services import managing, snapshots

# Since 3.66 a volume in use needs no force, and a request cannot say that it shall not be used.
WITHOUT_FORCE = since("3.66")


class SnapshotsView(Collection):
    """The project's snapshots, briefly."""

    plural, listing, rule = "snapshots", SNAPSHOTS, "volume:get_all_snapshots"
    resource, counts_since, named_since = "snapshot", since("3.45"), since("3.30")
    request_serializers = {"post": serializers.SnapshotCreate}
    examples = {"POST": {"snapshot": {"volume_id": "<a volume's id>", "name": "before"}}}

    def rows(self) -> QuerySet[Snapshot]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def render(self, row: Snapshot) -> dict[str, Any]:
        return documents.render(row, self.version)

    def post(self, request: Request, **ids: str) -> Response:
        """Create a snapshot: 202, and the work continues."""
        values = self.parse(request, "snapshot")
        volume = self.volume(values["volume_id"], "volume:create_snapshot")
        force = values.get("force")
        if self.version in WITHOUT_FORCE and force is False:
            raise BadRequest(
                "Invalid input for field/attribute force: since 3.66 it has no meaning and cannot be false."
            )
        snapshot = snapshots.create(
            context=self.caller,
            volume=volume,
            values=values,
            attached_too=bool(force) or self.version in WITHOUT_FORCE,
        )
        return Response({"snapshot": documents.render(snapshot, self.version)}, status=202)


class SnapshotsDetailView(SnapshotsView):
    """The project's snapshots with everything about them."""

    http_method_names = ["get", "head", "options"]

    def render(self, row: Snapshot) -> dict[str, Any]:
        return documents.render_full(row, self.version)


class SnapshotView(Item):
    """One snapshot."""

    noun = "snapshot"
    rules = {
        "show": "volume:get_snapshot",
        "update": "volume:update_snapshot",
        "delete": "volume:delete_snapshot",
    }
    request_serializers = {"put": serializers.SnapshotUpdate}
    examples = {"PUT": {"snapshot": {"name": "before", "description": "What it is for"}}}

    def load(self, snapshot_id: str) -> Snapshot:
        return selectors.get(context=self.caller, snapshot_id=snapshot_id)

    def render(self, row: Snapshot) -> dict[str, Any]:
        return documents.render_full(row, self.version)

    def put(self, request: Request, snapshot_id: str) -> Response:
        snapshot = self.permitted("update")
        updated = snapshots.update(snapshot=snapshot, values=self.parse(request, "snapshot"))
        return Response({"snapshot": documents.render(updated, self.version)})

    def remove(self, row: Snapshot) -> None:
        snapshots.delete(context=self.caller, snapshot=row)


_ADMIN = "volume_extension:snapshot_admin_actions:{}"
RULES = {
    "os-reset_status": _ADMIN.format("reset_status"),
    "os-force_delete": _ADMIN.format("force_delete"),
    "os-unmanage": "snapshot_extension:snapshot_unmanage",
    "os-update_snapshot_status": "snapshot_extension:snapshot_actions:update_snapshot_status",
}


class SnapshotActionView(ActionView):
    """What operators do to a snapshot."""

    ACTIONS = {name: name.removeprefix("os-") for name in RULES}
    action_serializers = {
        "os-reset_status": serializers.ResetSnapshotStatus,
        "os-force_delete": metadata_serializers.Nothing,
        "os-unmanage": metadata_serializers.Nothing,
        "os-update_snapshot_status": serializers.ReportStatus,
    }
    examples = {"POST": {"os-reset_status": {"status": "available"}}}

    def post(self, request: Request, snapshot_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        action, _ = self.asked(request)
        snapshot = self.snapshot(snapshot_id, RULES[action])
        values = self.values(action)
        if action == "os-reset_status":
            snapshots.reset_status(snapshot=snapshot, **values)
        elif action == "os-force_delete":
            snapshots.delete(context=self.caller, snapshot=snapshot, force=True)
        elif action == "os-unmanage":
            managing.unmanage_snapshot(context=self.caller, snapshot=snapshot)
        else:
            snapshots.report_status(snapshot=snapshot, **values)
        return Response(status=202)
