"""/os-hosts, until 2.42: the predecessor of /os-hypervisors and /os-services."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.serializers import StrictSerializer
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound, NotImplementedHere
from apps.common.microversions import since
from apps.compute.api.views.base import ReadOnlyItem, WholeCollection
from apps.compute.api.views.proxies import ProxyView
from apps.compute.selectors import hypervisors
from apps.compute.services import services
from apps.scheduling.selectors import hosts

RULE = "os_compute_api:os-hosts:{}"


class HostUpdate(StrictSerializer):
    """``maintenance_mode`` is not offered; it is parsed, so that it is refused as by Nova."""

    status = serializers.ChoiceField(["enable", "disable"], required=False)
    maintenance_mode = serializers.ChoiceField(["enable", "disable"], required=False)


class _HostsView(ProxyView):
    versions = since("2.1", "2.42")

    def host(self, name: str) -> Any:
        try:
            return hosts.get(name=name)
        except NotFound:
            raise NotFound(f"Host {name[:255]} could not be found.") from None


class HostsView(_HostsView, WholeCollection):
    """The hosts with their services and zones."""

    plural, rule = "hosts", RULE.format("list")

    def rows(self) -> list[tuple[str, Any]]:
        """Return each host of the zone that the query names, or of all, with its zone."""
        wanted = self.request.GET.get("zone")
        members = hosts.zones().items()
        return [(zone, host) for zone, inside in members if not wanted or zone == wanted for host in inside]

    def render(self, row: tuple[str, Any]) -> dict[str, Any]:
        zone, host = row
        return {"host_name": host.name, "service": "compute", "zone": zone}


class HostView(_HostsView, ReadOnlyItem):
    """One host: its capacity and its servers' usage, by project. PUT enables or disables it."""

    noun, rules = "host", "os_compute_api:os-hosts"
    before_row = ("show",)
    request_serializers = {"put": HostUpdate}
    examples = {"PUT": {"status": "disable"}}

    def load(self, name: str) -> Any:
        return self.host(name)

    def document(self, row: Any) -> dict[str, Any]:
        return {"host": [{"resource": resource} for resource in hypervisors.resources_of(host=row)]}

    def put(self, request: Request, name: str) -> Response:
        self.permit("update")
        values = self.parse(request)
        if not values:
            raise BadRequest("Invalid input: status or maintenance_mode is needed.")
        host = self.host(name)
        if "maintenance_mode" in values:
            raise NotImplementedHere
        services.update(host=host.name, enabled=values["status"] == "enable")
        return Response({"host": host.name, "status": f"{values['status']}d"})


class HostPowerView(_HostsView):
    """Power actions on hosts are not offered: 501, as of Nova with libvirt."""

    rule = ""

    def get(self, request: Request, name: str) -> Response:
        policy.check(self.caller, RULE.format(self.rule))
        self.host(name)
        raise NotImplementedHere
