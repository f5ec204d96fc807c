"""/os-security-groups and /os-security-group-rules, until 2.35; a server's groups, in all versions."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import security_groups as documents
from apps.compute.api.listing import BY_OFFSET, STYLE
from apps.compute.api.serializers import security_groups as serializers
from apps.compute.api.views.base import Collection, PartsOfServer, ReadOnlyItem
from apps.compute.api.views.proxies import ProxyView, nova_faults
from apps.networking.api import permissions
from apps.networking.selectors import security_group_rules as rule_selectors
from apps.networking.selectors import security_groups as selectors
from apps.networking.services import security_group_rules as rule_services
from apps.networking.services import security_groups as services

RULE = "os_compute_api:os-security-groups:{}"


def _id(text: str) -> Any:
    key = parse_uuid(text)
    if key is None:
        raise BadRequest(f"Security group id should be uuid: {text[:64]}")
    return key


class SecurityGroupsView(ProxyView, Collection):
    """The project's security groups."""

    plural, listing, rule = "security_groups", BY_OFFSET, RULE.format("get")
    request_serializers = {"post": serializers.GroupOfNova}
    examples = {"POST": {"security_group": {"name": "web", "description": "Web servers"}}}

    def rows(self) -> QuerySet[Any]:
        rows, asked = selectors.visible(context=self.caller).order_by("name", "id"), self.request.GET.get("all_tenants")
        everywhere = asked is not None and STYLE.boolean(asked or "1", "all_tenants")
        if everywhere and self.caller.is_admin:
            return rows
        services.ensure_default(project_id=str(self.caller.project_id))
        return rows.filter(project_id=self.caller.project_id)

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        return documents.render_all(rows)

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("create"))
        values = self.parse(request, "security_group")
        permissions.check_create(self.caller, "security_group", values)
        with nova_faults():
            row = services.create(
                context=self.caller, values={**values, "description": values.get("description") or ""}
            )
        return Response(
            {"security_group": documents.render_all([selectors.get(context=self.caller, group_id=row.id)])[0]}
        )


class SecurityGroupView(ProxyView, ReadOnlyItem):
    """One security group."""

    noun, rules = "security_group", "os_compute_api:os-security-groups"
    before_row = ("show",)
    request_serializers = {"put": serializers.GroupOfNovaUpdate}
    examples = {"PUT": {"security_group": {"name": "web", "description": "Web servers"}}}

    def load(self, group_id: str) -> Any:
        return selectors.get(context=self.caller, group_id=_id(group_id))

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_all([row])[0]

    def group(self, group_id: str, rule: str) -> Any:
        """Return the group, if the network service lets the caller change it. Raises PolicyForbidden (403)."""
        group = self.load(group_id)
        policy.check(self.caller, rule, {"project_id": group.project_id})
        return group

    def put(self, request: Request, group_id: str) -> Response:
        self.permit("update")
        values = self.parse(request, "security_group")
        group = self.group(group_id, "update_security_group")
        with nova_faults():
            values["description"] = values.get("description") or ""
            row = services.update(context=self.caller, group=group, values=values)
        return Response(self.document(row))

    def delete(self, request: Request, group_id: str) -> Response:
        self.permit("delete")
        group = self.group(group_id, "delete_security_group")
        with nova_faults():
            services.delete(context=self.caller, group=group)
        return Response(status=202)


class SecurityGroupRulesView(ProxyView):
    """Rules are made here, and shown with their groups."""

    request_serializers = {"post": serializers.RuleCreate}
    examples = {
        "POST": {
            "security_group_rule": {
                "parent_group_id": "<a group's id>", "ip_protocol": "tcp", "from_port": 22, "to_port": 22,
                "cidr": "0.0.0.0/0",
            }
        }
    }  # fmt: skip

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("rule:create"))
        values = self.parse(request, "security_group_rule")
        asked = serializers.neutron_rule(values)
        group = selectors.get(context=self.caller, group_id=asked["security_group_id"])
        policy.check(self.caller, "create_security_group_rule", {"project_id": group.project_id})
        with nova_faults():
            row = rule_services.create(context=self.caller, group=group, values=asked)
        groups = selectors.by_id(group_ids=[row.remote_group_id] if row.remote_group_id else [])
        return Response({"security_group_rule": documents.render_rule(row, groups)})


class SecurityGroupRuleView(ProxyView):
    """A rule is deleted here."""

    def delete(self, request: Request, rule_id: str) -> Response:
        policy.check(self.caller, RULE.format("rule:delete"))
        rule = rule_selectors.get(context=self.caller, rule_id=_id(rule_id))
        policy.check(self.caller, "delete_security_group_rule", {"project_id": rule.project_id})
        rule_services.delete(rule=rule)
        return Response(status=202)


class ServerSecurityGroupsView(PartsOfServer):
    """The groups that guard a server's ports."""

    plural, rule = "security_groups", RULE.format("list")

    def rows(self) -> list[Any]:
        return selectors.of_server(server_id=self.owner.id)

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        return documents.render_all(rows)
