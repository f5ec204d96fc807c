"""/os-migrations, and /servers/{server_id}/migrations: the live ones of a server that are under way."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import audit, policy
from apps.common.api.collections import Listing
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.microversions import since
from apps.common.pagination import MAX_LIMIT
from apps.compute.api.documents import migrations as documents
from apps.compute.api.documents.base import Links
from apps.compute.api.listing import MIGRATIONS, STYLE
from apps.compute.api.views.base import Collection, ComputeView, OfServer, PartOfServer, PartsOfServer
from apps.compute.models import Migration
from apps.compute.selectors import migrations
from apps.compute.services import live_migrations
from apps.scheduling.selectors import hosts

RULE = "os_compute_api:{}"
PAGED = since("2.59")
CHANGES_BEFORE = since("2.66")
BY_OWNER = since("2.80")
ABORTED, ABORTED_EARLY = since("2.24"), since("2.65")
# parameter -> the selector's argument
FILTERS = {
    "host": "host", "source_compute": "source", "status": "status", "migration_type": "type_",
    "instance_uuid": "server_id",
}  # fmt: skip
OWNERS = {"user_id": "user_id", "project_id": "project_id"}


def _addresses(view: ComputeView, rule: str, rows: list[Any], project: str | None = None) -> dict[str, str] | None:
    """Return the addresses of the destinations; None for a caller who may not know hosts."""
    target = None if project is None else {"project_id": project}
    if not policy.allowed(view.caller, rule, target):
        return None
    return hosts.addresses(names={row.destination for row in rows})


class MigrationsView(Collection):
    """All migrations, newest first; in pages from 2.59 on."""

    checks_query = True
    plural, rule, listing = "migrations", RULE.format("os-migrations:index"), MIGRATIONS

    def permit(self, action: str, row: Any = None) -> None:
        """Managers see what their project began, if they ask for that alone; in no version Nova narrows it down."""
        super().permit(action, row)
        if not self._asks_for_own():
            policy.check(self.caller, f"{self.rule}:all_projects")

    def _asks_for_own(self) -> bool:
        return self.caller.project_id is not None and self.request.GET.get("project_id") == self.caller.project_id

    def rows(self) -> QuerySet[Migration]:
        params, filters = self._params(), {**FILTERS, **(OWNERS if self.version in BY_OWNER else {})}
        asked: dict[str, Any] = {filters[name]: text for name, text in params.items() if name in filters}
        if self._asks_for_own() and not policy.allowed(self.caller, f"{self.rule}:all_projects"):
            asked["project_id"] = self.caller.project_id
        rows = migrations.listed(**{**asked, **self._times(params)})
        if STYLE.boolean(params["hidden"], "hidden") if "hidden" in params else False:
            rows = rows.none()  # Nova hides migrations between cells, which are not here
        return rows if self.version in PAGED else rows[:MAX_LIMIT]

    def marked(self) -> QuerySet[Migration]:
        return migrations.listed()

    def cut(self) -> Listing | None:
        return self.listing if self.version in PAGED else None

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        links, addresses = Links(self.request), _addresses(self, f"{self.rule}:host", rows)
        return [documents.render(row, self.version, links, addresses) for row in rows]

    def mark_of(self, row: Any) -> str:
        return str(row.uuid)

    def _params(self) -> dict[str, str]:
        known = [*FILTERS, "hidden"]
        known += ["limit", "marker", "changes-since"] if self.version in PAGED else []
        known += ["changes-before"] if self.version in CHANGES_BEFORE else []
        known += OWNERS if self.version in BY_OWNER else []
        self.check_query(known, strict_since="2.59")
        return {name: self.request.GET[name] for name in known if name in self.request.GET}

    def _times(self, params: dict[str, str]) -> dict[str, datetime | None]:
        names = {"since": "changes-since", "before": "changes-before"}
        times = {key: STYLE.time(params[name], name) if name in params else None for key, name in names.items()}
        if times["since"] and times["before"] and times["before"] < times["since"]:
            raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
        return times


class ServerMigrationsView(PartsOfServer):
    """A server's live migrations under way, from 2.23 on."""

    plural, rule = "migrations", RULE.format("servers:migrations:index")
    versions = since("2.23")

    def rows(self) -> QuerySet[Migration]:
        return migrations.live_of(server_id=self.owner.id)

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        addresses = _addresses(self, f"{self.rule}:host", rows, self.owner.project_id)
        return [documents.render_live(row, self.version, addresses) for row in rows]


class ServerMigrationView(PartOfServer, OfServer):
    """One live migration under way, from 2.23 on."""

    noun, rules = "migration", RULE.format("servers:migrations")
    versions = since("2.23")

    def load(self, server_id: str, migration_id: str) -> Migration:
        return migrations.get_live(server=self.owner, migration_id=migration_id)

    def render(self, row: Migration) -> dict[str, Any]:
        return documents.render_live(row, self.version, hosts.addresses(names=[row.destination]))

    def delete(self, request: Request, server_id: str, migration_id: str) -> Response:
        """Stop it, from 2.24 on; from 2.65 on before its guest is being copied, too."""
        if self.version not in ABORTED:
            raise NotFound(f"API version '{self.version}' is not supported on this method.")
        server = self.server(server_id, f"{self.rules}:delete")
        migration = migrations.get_live(server=server, migration_id=migration_id)
        with audit.action("server.abort_migration", "server", server.id):
            live_migrations.abort(
                context=self.caller, server=server, migration=migration, early=self.version in ABORTED_EARLY
            )
        return Response(status=202)


class ServerMigrationActionView(OfServer):
    """What is done to a live migration under way, from 2.22 on."""

    versions = since("2.22")
    examples = {"POST": {"force_complete": None}}
    request_schemas = {
        "post": {
            "application/json": {
                "type": "object",
                "required": ["force_complete"],
                "additionalProperties": False,
                "properties": {"force_complete": {"nullable": True}},
            }
        }
    }

    def post(self, request: Request, server_id: str, migration_id: str) -> Response:
        """Have it completed soon."""
        server = self.server(server_id, RULE.format("servers:migrations:force_complete"))
        if not isinstance(request.data, dict) or set(request.data) != {"force_complete"}:
            raise BadRequest("The request body must be an object with the key force_complete.")
        if request.data["force_complete"] is not None:
            raise BadRequest("Invalid input for field/attribute force_complete: it must be null.")
        migration = migrations.get_live(server=server, migration_id=migration_id)
        with audit.action("server.force_complete", "server", server.id):
            live_migrations.force_complete(context=self.caller, server=server, migration=migration)
        return Response(status=202)
