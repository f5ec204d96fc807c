"""Servers: create, list, show, update, delete."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from rest_framework import status
from rest_framework.request import Request

from apps.common import policy
from apps.common.api import queries
from apps.common.api.views import BadRequest, Response
from apps.common.microversions import since
from apps.compute import states
from apps.compute.api import permissions
from apps.compute.api.documents import dry_runs as dry_run_documents
from apps.compute.api.documents import servers as documents
from apps.compute.api.listing import SERVERS, STYLE
from apps.compute.api.serializers.scheduler_hints import SchedulerHints
from apps.compute.api.serializers.servers import ServerCreate, ServerUpdate
from apps.compute.api.views.base import Collection, ComputeView, Item
from apps.compute.models import Server
from apps.compute.selectors import server_lists, volume_attachments
from apps.compute.selectors import servers as selectors
from apps.compute.services import dry_runs, server_requests, servers, soft_deletes
from apps.networking.selectors import bindings
from apps.scheduling.selectors import hosts

HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
STRICT_STATUS = since("2.38")
STRICT_QUERY = since("2.75")
HOST_STATUS = "os_compute_api:servers:show:host_status"
EXAMPLE = {"server": {"name": "vm1", "imageRef": "<an image's id>", "flavorRef": "1", "networks": "auto"}}


class ServerViewBase(ComputeView):
    """Renders lists and single servers with their addresses and security groups."""

    def renderer(self) -> documents.Renderer:
        return documents.Renderer(
            request=self.request._request,
            version=self.version,
            admin=self.caller.is_admin,
            update=self.request.method == "PUT",
        )

    def full(self, rows: list[Server], *, show: bool = False) -> list[dict[str, Any]]:
        addresses = bindings.for_servers(server_ids=[server.id for server in rows])
        groups = {port.port_id: list(port.security_groups) for ports in addresses.values() for port in ports}
        renderer, host_status = self.renderer(), self._host_status(rows)
        shared: dict[str, Any] = {
            "addresses": addresses, "groups": groups, "show": show,
            "volumes": volume_attachments.of_servers(servers=rows),
        }  # fmt: skip
        return [renderer.render(row, **shared, host_status=host_status(row.host)) for row in rows]

    def _host_status(self, rows: list[Server]) -> Callable[[str], str | None]:
        """Return what to show of a host from 2.16 on; None: nothing. One query for any number of servers."""
        everything = policy.allowed(self.caller, HOST_STATUS)
        if self.version not in since("2.16") or not (
            everything or policy.allowed(self.caller, f"{HOST_STATUS}:unknown-only")
        ):
            return lambda host: None
        statuses = hosts.status_of(names={server.host for server in rows if server.host})
        if everything:
            return lambda host: statuses.get(host, "")
        return lambda host: "UNKNOWN" if statuses.get(host) == "UNKNOWN" else None


class ServersView(ServerViewBase, Collection):
    checks_query = True
    plural = "servers"
    listing = SERVERS
    rule = "os_compute_api:servers:index"
    request_serializers = {"post": ServerCreate}
    beside = HINTS  # nothing else: a misplaced ``dry_run`` would boot servers
    response_serializers = {"post": {200: dry_run_documents.DryRunDocument}}
    examples = {"POST": EXAMPLE}

    def get(self, request: Request, **ids: str) -> Response:
        """List the project's servers, briefly."""
        return super().get(request)

    def post(self, request: Request) -> Response:
        """Create one server or several: 202, and the build continues in the background.

        With ``dry_run`` (an extension, docs/placement.md) answer with 200 whether they would fit now.
        """
        policy.check(self.caller, "os_compute_api:servers:create")
        if self.caller.project_id is None:
            raise BadRequest("Servers belong to a project: use a token that is scoped to one.")
        values = self.parse(request, "server")
        body = cast(dict[str, Any], request.data)
        hints = self._hints(body)
        permissions.check_new_server(self.caller, values, hints)
        asked: dict[str, Any] = {
            "context": self.caller,
            "values": values,
            "hints": hints,
            "permissions": permissions.of_interfaces(self.caller, values),
        }
        if values.get("dry_run"):
            result = dry_runs.run(**asked)
            return Response({"dry_run": dry_run_documents.render(result, full=permissions.sees_hosts(self.caller))})
        server_request = server_requests.resolve(**asked)
        created = servers.create(context=self.caller, request=server_request)
        if body["server"].get("return_reservation_id"):
            return Response({"reservation_id": created[0].reservation_id}, status=status.HTTP_202_ACCEPTED)
        return self._accepted(created[0], server_request.admin_password)

    def _accepted(self, server: Server, password: str) -> Response:
        key = str(server.id)
        document: dict[str, Any] = {
            "id": key,
            "links": self.renderer().links("servers", key),
            "OS-DCF:diskConfig": server.disk_config,
            "security_groups": self._requested_groups() or [{"name": "default"}],
        }
        if settings.ENABLE_INSTANCE_PASSWORD:
            document["adminPass"] = password
        location = self.request.build_absolute_uri(f"/compute/v2.1/servers/{key}")
        return Response({"server": document}, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def _requested_groups(self) -> list[dict[str, str]]:
        """The groups as the client named them, as Nova echoes them."""
        asked = cast(dict[str, Any], self.request.data)["server"].get("security_groups") or []
        return [{"name": group["name"]} for group in asked]

    def _hints(self, data: dict[str, Any]) -> dict[str, Any]:
        hints: dict[str, Any] = {}
        for name in HINTS:
            if data.get(name) is not None:
                parsed = SchedulerHints(data=data[name])
                parsed.is_valid(raise_exception=True)
                hints |= dict(parsed.validated_data)
        return hints

    def rows(self) -> QuerySet[Server]:
        params = self.request.query_params
        self._check_query(params)
        everywhere = "all_tenants" in params and STYLE.boolean(params["all_tenants"] or "1", "all_tenants")
        if everywhere:
            policy.check(self.caller, f"{self.rule}:get_all_tenants")
        free = policy.allowed(self.caller, "os_compute_api:servers:allow_all_filters")
        asked = server_lists.offered(asked=queries.plain(params), version=self.version, everything=free)
        rows = server_lists.filtered(
            context=self.caller, asked=asked, style=STYLE, all_projects=everywhere, everything=free
        )
        return rows.defer(*selectors.HEAVY)

    def marked(self) -> QuerySet[Server]:
        """Return the servers that a marker may name, deleted ones too."""
        return selectors.ever(context=self.caller)

    def documents(self, rows: list[Server]) -> list[dict[str, Any]]:
        renderer = self.renderer()
        return [renderer.render_brief(server) for server in rows]

    def _check_query(self, params: Any) -> None:
        if self.version in STRICT_QUERY and server_lists.unknown(params):
            names = "', '".join(name[:64] for name in server_lists.unknown(params))
            raise BadRequest(f"Additional properties are not allowed ('{names}' was unexpected)")
        bad = [word for word in params.getlist("status") if not states.states_of(word)[0]]
        if bad and self.version in STRICT_STATUS:
            raise BadRequest(f"Invalid status value: {bad[0][:64]}")


class ServersDetailView(ServersView):
    http_method_names = ["get", "head", "options"]
    rule = "os_compute_api:servers:detail"

    def get(self, request: Request, **ids: str) -> Response:
        """List the project's servers with everything about them."""
        return super().get(request)

    def documents(self, rows: list[Server]) -> list[dict[str, Any]]:
        return self.full(rows)


class ServerView(ServerViewBase, Item):
    noun, rules = "server", "os_compute_api:servers"
    request_serializers = {"put": ServerUpdate}
    examples = {"PUT": {"server": {"name": "vm1", "description": "What it is for"}}}

    def load(self, server_id: str) -> Server:
        return selectors.get(context=self.caller, server_id=server_id)

    def render(self, row: Server) -> dict[str, Any]:
        return self.full([row], show=True)[0]

    def put(self, request: Request, **ids: str) -> Response:
        server = self.permitted("update")
        values = self.parse(request, "server")
        row = dict(values.get("row", {}))
        if "pinned_availability_zone" in values:
            row |= servers.pinned(server=server, zone=values["pinned_availability_zone"])
        return Response(self.document(servers.update(server=server, values=row)))

    def remove(self, row: Server) -> None:
        soft_deletes.delete(context=self.caller, server=row)
