"""Hosts' back ends: /os-services, /os-hosts, /scheduler-stats/get_pools, /capabilities, /os-availability-zone."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotOffered
from apps.scheduling.selectors import hosts, schedulers
from apps.volumes.api.documents import backends as documents
from apps.volumes.api.listing import filters_of
from apps.volumes.api.serializers import backends as serializers
from apps.volumes.api.views.base import VolumeView, WholeCollection
from apps.volumes.api.views.not_offered import NotOfferedView
from apps.volumes.exceptions import ServiceHostNotFound
from apps.volumes.selectors import backends as selectors
from apps.volumes.selectors import volume_types
from apps.volumes.services import backends

SERVICES = "volume_extension:services:{}"
REPLICATION = "replication of back ends"


class _Services(WholeCollection):
    def services(self, *, host: str | None = None, binary: str | None = None) -> list[dict[str, Any]]:
        """Return the documents of schedulers, of hosts' backup services, then those of back ends. 8 queries."""
        documented = []
        if binary in (None, "", selectors.SCHEDULER_BINARY):
            machines = [row for row in schedulers.everything() if not host or row.host == host]
            documented += [documents.render_scheduler(row, self.version) for row in machines]
        if binary in (None, "", selectors.BACKUP_BINARY):
            services = selectors.backup_services(host=host)
            documented += [documents.render_backup_service(row, self.version) for row in services]
        if binary in (None, "", selectors.BINARY):
            documented += [documents.render_service(row, self.version) for row in selectors.everything(host=host)]
        return documented


class ServicesView(_Services):
    """Schedulers, and each host's backup service, and its back ends as volume services."""

    plural, rule = "services", SERVICES.format("index")

    def rows(self) -> list[dict[str, Any]]:
        params = self.request.query_params
        return self.services(host=params.get("host"), binary=params.get("binary"))

    def render(self, row: dict[str, Any]) -> dict[str, Any]:
        return row


class ServiceActionView(VolumeView):
    """Enable or disable a host's back ends for new volumes, or its backup service."""

    request_serializers = {"put": serializers.ServiceName}
    examples = {"PUT": {"host": "h1@local", "binary": "cinder-volume"}}

    def put(self, request: Request, verb: str) -> Response:
        self.check(SERVICES.format("update"))
        if verb not in ("enable", "disable", "disable-log-reason"):
            raise NotOffered(what=f"the action {verb[:64]} on volume services")
        cls = serializers.ServiceReason if verb == "disable-log-reason" else serializers.ServiceName
        values = self.parse(request, serializer=cls)
        enabled, reason = verb == "enable", values.get("disabled_reason") or ""
        backends.set_enabled(host=values["host"], binary=values["binary"], enabled=enabled, reason=reason)
        document = {
            "host": values["host"],
            "service": values["binary"],
            "binary": values["binary"],
            "disabled": not enabled,
            "status": "enabled" if enabled else "disabled",
        }
        return Response(document if verb == "disable" else {**document, "disabled_reason": reason or None})


class ReplicationView(NotOfferedView):
    """Freezing, thawing and failing over a host: there is no replication. A host that does not exist is 400 first."""

    what = REPLICATION

    def put(self, request: Request, **parameters: Any) -> Response:
        host = request.data.get("host") if isinstance(request.data, dict) else None
        if not isinstance(host, str) or not selectors.everything(host=host):
            raise BadRequest(f"Host {str(host)[:64]} could not be found.")
        return self.refuse(request)


class HostsView(_Services):
    """The same services, as os-hosts shows them."""

    plural, rule = "hosts", "volume_extension:hosts"

    def rows(self) -> list[dict[str, Any]]:
        return self.services()

    def render(self, row: dict[str, Any]) -> dict[str, Any]:
        return documents.render_host(row)


class HostView(VolumeView):
    """What each project has on a host's back end."""

    def get(self, request: Request, host: str) -> Response:
        self.check("volume_extension:hosts")
        rows = selectors.everything(host=host)
        if not rows or "@" not in host:
            raise ServiceHostNotFound(host=host[:64])
        usage = selectors.usage(host=rows[0].host, backend=rows[0].backend)
        return Response({"host": [documents.render_usage(host, row) for row in usage]})


class PoolsView(WholeCollection):
    """The pools that new volumes are scheduled to."""

    plural, rule, resource = "pools", "scheduler_extension:scheduler_stats:get_pools", "pool"

    def rows(self) -> list[selectors.Backend]:
        """Return the pools of a name, or those that take volumes of a type. Raises VolumeTypeNotFound (404)."""
        asked, offered = self.asked(), filters_of(self.resource, self.version)
        pools = selectors.everything()
        if offered["name"] and asked.get("name"):
            pools = [row for row in pools if row.pool in asked["name"]]
        if offered["volume_type"] and asked.get("volume_type"):
            chosen = volume_types.get(context=self.caller, key=asked["volume_type"][-1])
            pools = [row for row in pools if selectors.takes(row, chosen)]
        return pools

    def render(self, row: selectors.Backend) -> dict[str, Any]:
        return documents.render_pool(row, detailed=self.flag("detail"))


class CapabilitiesView(VolumeView):
    """What a host's back end can do."""

    def get(self, request: Request, host: str) -> Response:
        self.check("volume_extension:capabilities")
        rows = selectors.everything(host=host)
        if not rows:
            raise ServiceHostNotFound(host=host[:64])
        return Response(documents.render_capabilities(rows[0]))


class AvailabilityZonesView(WholeCollection):
    """The zones that volumes may be in: those of the hosts."""

    plural, rule = "availabilityZoneInfo", "volume:availability_zone_list"

    def rows(self) -> list[tuple[str, bool]]:
        return [(zone, any(host.enabled for host in members)) for zone, members in hosts.zones().items()]

    def render(self, row: tuple[str, bool]) -> dict[str, Any]:
        return {"zoneName": row[0], "zoneState": {"available": row[1]}}
