"""Reads of things that servers do not have here yet: volumes, migrations, a posted password."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.microversions import since
from apps.compute.api.views.base import ComputeView
from apps.compute.models import Server
from apps.compute.selectors import servers

VOLUMES = "volumes"


class _OfServer(ComputeView):
    def server(self, server_id: str, rule: str) -> Server:
        server = servers.get(context=self.caller, server_id=server_id)
        policy.check(self.caller, f"os_compute_api:{rule}", {"project_id": server.project_id})
        return server


class VolumeAttachmentsView(_OfServer):
    """A server's volumes: none, as there is no volume service."""

    not_offered = {"post": VOLUMES}

    def get(self, request: Request, server_id: str) -> Response:
        self.server(server_id, "os-volumes-attachments:index")
        return Response({"volumeAttachments": []})


class VolumeAttachmentView(_OfServer):
    """No volume is attached to any server."""

    not_offered = {"put": VOLUMES, "delete": VOLUMES}

    def get(self, request: Request, server_id: str, volume_id: str) -> Response:
        server = self.server(server_id, "os-volumes-attachments:show")
        raise NotFound(f"Instance {server.id} is not attached to volume {volume_id[:64]}: there is no volume service.")


class MigrationsView(ComputeView):
    """Migrations of servers: none, as servers do not migrate yet."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-migrations:index")
        return Response({"migrations": []})


class ServerMigrationsView(_OfServer):
    """A server's migrations under way: none."""

    def get(self, request: Request, server_id: str) -> Response:
        if request.version not in since("2.23"):
            raise NotFound(f"API version '{request.version}' is not supported on this method.")
        self.server(server_id, "servers:migrations:index")
        return Response({"migrations": []})


class ServerMigrationView(_OfServer):
    """No server has a migration."""

    not_offered = {"delete": "migration of servers"}

    def get(self, request: Request, server_id: str, migration_id: str) -> Response:
        server = self.server(server_id, "servers:migrations:show")
        raise NotFound(f"Migration {migration_id[:64]} for server {server.id} could not be found.")


class ServerPasswordView(_OfServer):
    """The password that a guest made itself and posted, encrypted: guests cannot post yet, so it is empty."""

    def get(self, request: Request, server_id: str) -> Response:
        self.server(server_id, "os-server-password:show")
        return Response({"password": ""})

    def delete(self, request: Request, server_id: str) -> Response:
        self.server(server_id, "os-server-password:clear")
        return Response(status=204)
