"""Reads of things that servers do not have here yet: migrations."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.microversions import since
from apps.compute.api.views.base import OfServer, PartsOfServer, WholeCollection

RULE = "os_compute_api:{}"


class MigrationsView(WholeCollection):
    """Migrations of servers: none, as servers do not migrate yet."""

    plural, rule = "migrations", RULE.format("os-migrations:index")

    def rows(self) -> tuple[()]:
        return ()


class ServerMigrationsView(PartsOfServer):
    """A server's migrations under way, from 2.23 on: none."""

    plural, rule = "migrations", RULE.format("servers:migrations:index")
    versions = since("2.23")

    def rows(self) -> tuple[()]:
        return ()


class ServerMigrationView(OfServer):
    """No server has a migration."""

    not_offered = {"delete": "migration of servers"}

    def get(self, request: Request, server_id: str, migration_id: str) -> Response:
        server = self.server(server_id, RULE.format("servers:migrations:show"))
        raise NotFound(f"Migration {migration_id[:64]} for server {server.id} could not be found.")
