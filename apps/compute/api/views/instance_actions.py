"""/servers/{server_id}/os-instance-actions: a server's actions, step by step."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.collections import Listing
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.common.pagination import MAX_LIMIT
from apps.compute.api.documents import instance_actions as documents
from apps.compute.api.listing import ACTIONS, STYLE
from apps.compute.api.views.base import OfServer, PartOfServer, PartsOfServer
from apps.compute.models import Server
from apps.compute.selectors import instance_actions

RULE = "os_compute_api:os-instance-actions:{}"
DELETED_TOO = since("2.21")
PAGED = since("2.58")
CHANGES_BEFORE = since("2.66")


class _ActionView(OfServer):
    def server(self, server_id: str, rule: str) -> Server:
        deleted_too = self.version in DELETED_TOO
        server = instance_actions.server_of(context=self.caller, server_id=server_id, deleted_too=deleted_too)
        policy.check(self.caller, rule, {"project_id": server.project_id})
        return server


class InstanceActionsView(_ActionView, PartsOfServer):
    """A server's actions, newest first; with paging from 2.58 on."""

    checks_query = True
    plural, links_key, listing, rule = "instanceActions", "links", ACTIONS, RULE.format("list")

    def rows(self) -> QuerySet[Any]:
        times = self._times(self._params(self.request))
        rows = instance_actions.changed(server_id=self.owner.id, **times)
        return rows if self.version in PAGED else rows.order_by("-created_at", "-id")[:MAX_LIMIT]

    def marked(self) -> QuerySet[Any]:
        return instance_actions.changed(server_id=self.owner.id)

    def cut(self) -> Listing | None:
        return self.listing if self.version in PAGED else None

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.version)

    def mark_of(self, row: Any) -> str:
        return str(row.request_id)

    def _times(self, params: dict[str, str]) -> dict[str, datetime | None]:
        """Return since when and until when actions have changed. Raises BadRequest (400)."""
        names = {"since": "changes-since", "before": "changes-before"}
        times = {key: STYLE.time(params[name], name) if name in params else None for key, name in names.items()}
        if times["since"] and times["before"] and times["before"] < times["since"]:
            raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
        return times

    def _params(self, request: Request) -> dict[str, str]:
        """Return the parameters that the request's version knows; from 2.58 on others are refused."""
        if self.version not in PAGED:
            return {}
        known = ["limit", "marker", "changes-since"]
        known += ["changes-before"] if self.version in CHANGES_BEFORE else []
        self.check_query(known, strict_since="2.58")
        return {name: request.GET[name] for name in known if name in request.GET}


class InstanceActionView(_ActionView, PartOfServer):
    """One action, by the id of the request that ordered it, with its steps as events."""

    noun, rules = "instanceAction", "os_compute_api:os-instance-actions"

    def load(self, server_id: str, request_id: str) -> Any:
        return instance_actions.get(server_id=self.owner.id, request_id=request_id)

    def render(self, row: Any) -> dict[str, Any]:
        project_id, version = self.owner.project_id, self.version
        document, target = documents.render(row, version), {"project_id": project_id}
        full = policy.allowed(self.caller, RULE.format("events"), target)
        if full or version in documents.EVENTS_FOR_OWNERS:
            details = policy.allowed(self.caller, RULE.format("events:details"), target)
            document["events"] = [
                documents.render_event(step, project_id=project_id, version=version, full=full, details=details)
                for step in instance_actions.events(run=row)
            ]
        return document
