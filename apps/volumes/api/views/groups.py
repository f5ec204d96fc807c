"""Groups of volumes (3.13)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.documents import groups as documents
from apps.volumes.api.listing import GROUPS
from apps.volumes.api.serializers import groups as serializers
from apps.volumes.api.views.base import ActionView, Collection, ReadOnlyItem, VolumeView
from apps.volumes.models import Group, Volume
from apps.volumes.selectors import group_types, volume_types
from apps.volumes.selectors import groups as selectors
from apps.volumes.services import groups

RULE = "group:{}"
RESETS, FROM_SOURCE = since("3.20"), since("3.14")
REPLICATION = "replication of back ends"


class _GroupView(VolumeView):
    versions = since("3.13")

    def full(self, row: Group) -> dict[str, Any]:
        volumes = "list_volume" in self.request.query_params and self.flag("list_volume")
        return documents.render(row, self.version, admin=self.caller.is_admin, volumes=volumes)

    def group(self, group_id: str, rule: str) -> Group:
        """Return the group if the rule lets the caller act on it. Raises GroupNotFound (404), PolicyForbidden."""
        row = selectors.get(context=self.caller, group_id=group_id)
        self.check(rule, row)
        return row


class GroupsView(_GroupView, Collection):
    """The project's groups, briefly."""

    resource = "group"
    plural, listing, rule = "groups", GROUPS, RULE.format("get_all")
    request_serializers = {"post": serializers.GroupCreate}
    examples = {"POST": {"group": {"name": "g", "group_type": "together", "volume_types": ["__DEFAULT__"]}}}

    def rows(self) -> QuerySet[Group]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def render(self, row: Group) -> dict[str, Any]:
        return documents.render_brief(row)

    def post(self, request: Request, **ids: str) -> Response:
        self.check(RULE.format("create"))
        values, _ = self.parse(request, "group"), self.project_id
        row = groups.create(
            context=self.caller,
            values=values,
            group_type=group_types.get(context=self.caller, key=values["group_type"]),
            volume_types=[volume_types.get(context=self.caller, key=key) for key in values["volume_types"]],
        )
        return Response({"group": documents.render_brief(row)}, status=202)


class GroupsDetailView(GroupsView):
    """The project's groups with everything about them."""

    http_method_names = ["get", "head", "options"]

    def render(self, row: Group) -> dict[str, Any]:
        return self.full(row)


class GroupView(_GroupView, ReadOnlyItem):
    """One group."""

    noun = "group"
    rules = {"show": RULE.format("get"), "update": RULE.format("update")}
    request_serializers = {"put": serializers.GroupUpdate}
    examples = {"PUT": {"group": {"name": "g", "add_volumes": "<a volume's id>"}}}

    def load(self, group_id: str) -> Group:
        return selectors.get(context=self.caller, group_id=group_id)

    def render(self, row: Group) -> dict[str, Any]:
        return self.full(row)

    def put(self, request: Request, group_id: str) -> Response:
        row, values = self.permitted("update"), self.parse(request, "group")
        add, remove = (self._volumes(values.pop(name, None)) for name in ("add_volumes", "remove_volumes"))
        groups.update(group=row, values=values, add=add, remove=remove)
        return Response(status=202)

    def _volumes(self, text: str | None) -> list[Volume]:
        keys = [part.strip() for part in (text or "").split(",") if part.strip()]
        return [self.volume(key, RULE.format("update")) for key in keys]


class GroupFromSourceView(ActionView, _GroupView):
    """Make a group of another one, or of its snapshot."""

    versions = FROM_SOURCE
    ACTIONS = {"create-from-src": "create"}
    action_serializers = {"create-from-src": serializers.GroupFromSource}
    examples = {"POST": {"create-from-src": {"source_group_id": "<a group's id>"}}}

    def post(self, request: Request) -> Response:
        """Do the one action that there is."""
        action, _ = self.asked(request)
        self.check(RULE.format("create"))
        values, key = self.values(action), self.project_id
        snapshot_id, source_id = values.get("group_snapshot_id"), values.get("source_group_id")
        caller = self.caller
        row = groups.create_from(
            context=caller,
            values=values,
            snapshot=selectors.get_snapshot(context=caller, group_snapshot_id=snapshot_id) if snapshot_id else None,
            source=selectors.get(context=caller, group_id=source_id) if source_id else None,
        )
        assert row.project_id == key
        return Response({"group": documents.render_brief(row)}, status=202)


class GroupActionView(ActionView, _GroupView):
    """delete and reset_status."""

    ACTIONS = {"delete": "delete", "reset_status": "reset_status"}
    missing = dict.fromkeys(
        ("enable_replication", "disable_replication", "failover_replication", "list_replication_targets"), REPLICATION
    )
    action_serializers = {"delete": serializers.DeleteGroup, "reset_status": serializers.ResetGroupStatus}
    examples = {"POST": {"delete": {"delete-volumes": True}}}

    def post(self, request: Request, group_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        action, _ = self.asked(request)
        row = self.group(group_id, RULE.format(action))
        values = self.values(action)
        if action == "delete":
            groups.delete(context=self.caller, group=row, with_volumes=bool(values.get("with_volumes")))
        else:
            self.require(RESETS)
            groups.reset_status(group=row, **values)
        return Response(status=202)
