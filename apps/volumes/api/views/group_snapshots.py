"""Snapshots of groups (3.14)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.documents import groups as documents
from apps.volumes.api.listing import GROUP_SNAPSHOTS
from apps.volumes.api.serializers import groups as serializers
from apps.volumes.api.views.base import ActionView, Collection, Item, VolumeView
from apps.volumes.models import GroupSnapshot
from apps.volumes.selectors import groups as selectors
from apps.volumes.services import groups

RULE = "group:{}_group_snapshot"
RESETS = since("3.19")


class _SnapshotView(VolumeView):
    versions = since("3.14")

    def full(self, row: GroupSnapshot) -> dict[str, Any]:
        return documents.render_snapshot(row, self.version, admin=self.caller.is_admin)


class GroupSnapshotsView(_SnapshotView, Collection):
    """The project's group snapshots, briefly."""

    resource = "group_snapshot"
    plural, listing, rule = "group_snapshots", GROUP_SNAPSHOTS, "group:get_all_group_snapshots"
    pages_since, before_pages = since("3.29"), (GROUP_SNAPSHOTS, ())
    request_serializers = {"post": serializers.GroupSnapshotCreate}
    examples = {"POST": {"group_snapshot": {"group_id": "<a group's id>", "name": "before"}}}

    def rows(self) -> QuerySet[GroupSnapshot]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible_snapshots(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def render(self, row: GroupSnapshot) -> dict[str, Any]:
        return documents.render_brief(row)

    def post(self, request: Request, **ids: str) -> Response:
        self.check(RULE.format("create"))
        values = self.parse(request, "group_snapshot")
        group = selectors.get(context=self.caller, group_id=values["group_id"])
        self.check(RULE.format("create"), group)
        row = groups.create_snapshot(context=self.caller, group=group, values=values)
        return Response({"group_snapshot": documents.render_new_snapshot(row)}, status=202)


class GroupSnapshotsDetailView(GroupSnapshotsView):
    """The project's group snapshots with everything about them."""

    http_method_names = ["get", "head", "options"]

    def render(self, row: GroupSnapshot) -> dict[str, Any]:
        return self.full(row)


class GroupSnapshotView(_SnapshotView, Item):
    """One group snapshot."""

    noun = "group_snapshot"
    rules = {name: RULE.format(verb) for name, verb in (("show", "get"), ("update", "update"), ("delete", "delete"))}
    request_serializers = {"put": serializers.Named}
    examples = {"PUT": {"group_snapshot": {"name": "before"}}}

    def load(self, group_snapshot_id: str) -> GroupSnapshot:
        return selectors.get_snapshot(context=self.caller, group_snapshot_id=group_snapshot_id)

    def render(self, row: GroupSnapshot) -> dict[str, Any]:
        return self.full(row)

    def put(self, request: Request, group_snapshot_id: str) -> Response:
        row = self.permitted("update")
        groups.update_snapshot(row=row, values=self.parse(request, "group_snapshot"))
        return Response({"group_snapshot": self.full(row)})

    def remove(self, row: GroupSnapshot) -> None:
        groups.delete_snapshot(context=self.caller, row=row)


class GroupSnapshotActionView(ActionView, _SnapshotView):
    """reset_status."""

    versions = RESETS
    ACTIONS = {"reset_status": "reset"}
    action_serializers = {"reset_status": serializers.ResetGroupStatus}
    examples = {"POST": {"reset_status": {"status": "available"}}}

    def post(self, request: Request, group_snapshot_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        action, _ = self.asked(request)
        row = selectors.get_snapshot(context=self.caller, group_snapshot_id=group_snapshot_id)
        self.check("group:reset_group_snapshot_status", row)
        groups.reset_snapshot_status(row=row, **self.values(action))
        return Response(status=202)
