"""/os-floating-ips and /os-floating-ip-pools as Nova's proxies show them, until 2.35."""

import uuid
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import floating_ips as documents
from apps.compute.api.serializers import floating_ips as serializers
from apps.compute.api.views.base import Item, WholeCollection
from apps.compute.api.views.networks import MAX_NETWORKS, RULE
from apps.compute.api.views.proxies import ProxyView, nova_faults
from apps.networking.api import permissions
from apps.networking.selectors import floating_ips as selectors
from apps.networking.selectors import networks
from apps.networking.services import floating_ips


class FloatingIPPoolsView(ProxyView, WholeCollection):
    """The networks that floating IPs come from."""

    plural, rule = "floating_ip_pools", RULE.format("os-floating-ip-pools")

    def rows(self) -> Any:
        return networks.visible(context=self.caller).filter(external=True).order_by("name", "id")[:MAX_NETWORKS]

    def render(self, row: Any) -> dict[str, Any]:
        return {"name": row.name}


class FloatingIPsView(ProxyView, WholeCollection):
    """The project's floating IPs."""

    plural, rule = "floating_ips", RULE.format("os-floating-ips:list")
    request_serializers = {"post": serializers.FloatingIpOfNova}
    examples = {"POST": {"pool": "public"}}

    def rows(self) -> QuerySet[Any]:
        rows = selectors.visible(context=self.caller).filter(project_id=self.caller.project_id or "-")
        return rows.order_by("created_at", "id")

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("os-floating-ips:create"))
        values = {"floating_network_id": self._pool(self.parse(request).get("pool"))}
        permissions.check_new_floating_ip(self.caller, values)
        with nova_faults():
            row = floating_ips.create(context=self.caller, values=values)
        return Response({"floating_ip": documents.render(row)})

    def _pool(self, name: str | None) -> uuid.UUID:
        """Return the external network of a name or an id; without one the default. Raises NotFound (404)."""
        rows = networks.visible(context=self.caller).filter(external=True).order_by("-is_default", "created_at", "id")
        if name:
            key = parse_uuid(name)
            rows = rows.filter(id=key) if key else rows.filter(name=name)
        network = rows.first()
        if network is None:
            raise NotFound("Floating IP pool not found.")
        return network.id


class FloatingIPView(ProxyView, Item):
    """One floating IP."""

    noun, rules = "floating_ip", RULE.format("os-floating-ips")
    before_row = ("show",)
    code_of_delete = 202

    def load(self, floating_ip_id: Any) -> Any:
        key = parse_uuid(str(floating_ip_id))
        row = selectors.visible(context=self.caller).filter(id=key).first() if key else None
        if row is None:
            raise NotFound(f"Floating IP not found for ID {str(floating_ip_id)[:64]}")
        return row

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def remove(self, row: Any) -> None:
        permissions.check(self.caller, "delete_floatingip", row)
        floating_ips.delete(floating_ip=row)
