"""/os-server-groups: servers that belong together, or apart."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.documents import server_groups as documents
from apps.compute.api.listing import BY_OFFSET
from apps.compute.api.serializers import server_groups as serializers
from apps.compute.api.views.base import Collection, Item
from apps.compute.models import ServerGroup
from apps.compute.selectors import server_groups as selectors
from apps.compute.services import server_groups

RULE = "os_compute_api:os-server-groups:{}"


class ServerGroupsView(Collection):
    """The project's server groups; ``all_projects`` is for administrators."""

    checks_query = True
    plural, listing, rule = "server_groups", BY_OFFSET, RULE.format("index")
    request_serializers = {"post": serializers.ServerGroupCreate}
    examples = {"POST": {"server_group": {"name": "apart", "policy": "anti-affinity"}}}

    def rows(self) -> QuerySet[ServerGroup]:
        self.check_query(("limit", "offset"), repeatable=("all_projects",))
        # Nova answers others, who may not ask for all projects, with their own.
        everywhere = "all_projects" in self.request.GET and self.caller.is_admin
        if everywhere:
            policy.check(self.caller, RULE.format("index:all_projects"))
        return selectors.visible(context=self.caller, all_projects=everywhere)

    def documents(self, rows: list[ServerGroup]) -> list[dict[str, Any]]:
        members, version = selectors.members(group_ids=[row.id for row in rows]), self.version
        return [documents.render(row, members=members.get(row.id, ()), version=version) for row in rows]

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("create"))
        if self.caller.project_id is None:
            raise BadRequest("Server groups belong to a project: use a token that is scoped to one.")
        values = self.parse(request, "server_group")
        group = server_groups.create(context=self.caller, **values)
        return Response({"server_group": documents.render(group, members=(), version=self.version)})


class ServerGroupView(Item):
    """A group with its members; DELETE leaves them without a group."""

    noun, rules = "server_group", "os_compute_api:os-server-groups"

    def load(self, server_group_id: str) -> ServerGroup:
        return selectors.get(context=self.caller, group_id=server_group_id)

    def render(self, row: ServerGroup) -> dict[str, Any]:
        members = selectors.members(group_ids=[row.id]).get(row.id, ())
        return documents.render(row, members=members, version=self.version)

    def remove(self, row: ServerGroup) -> None:
        server_groups.delete(group_id=row.id)
