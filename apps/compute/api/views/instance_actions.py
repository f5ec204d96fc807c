"""/servers/{server_id}/os-instance-actions: what was done to a server, step by step."""

from typing import Any

from rest_framework.request import Request

from apps.common import pagination, policy
from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api import queries
from apps.compute.api.documents import instance_actions as documents
from apps.compute.api.views.base import ComputeView
from apps.compute.models import Server
from apps.compute.selectors import instance_actions

RULE = "os_compute_api:os-instance-actions:{}"
DELETED_TOO = since("2.21")
PAGED = since("2.58")
CHANGES_BEFORE = since("2.66")


class _ActionView(ComputeView):
    def server(self, server_id: str, verb: str) -> Server:
        deleted_too = self.request.version in DELETED_TOO
        server = instance_actions.server_of(context=self.caller, server_id=server_id, deleted_too=deleted_too)
        policy.check(self.caller, RULE.format(verb), {"project_id": server.project_id})
        return server


class InstanceActionsView(_ActionView):
    """What was done to a server, newest first."""

    def get(self, request: Request, server_id: str) -> Response:
        params, limit = self._params(request), None
        server = self.server(server_id, "list")
        if request.version in PAGED:
            limit = pagination.limit_of(request.GET)
        found, more = instance_actions.page(server_id=server.id, params=params, limit=limit)
        document: dict[str, Any] = {"instanceActions": [documents.render(run, request.version) for run in found]}
        if more and request.version in PAGED:
            document["links"] = pagination.next_link(request, marker=found[-1].request_id)
        return Response(document)

    def _params(self, request: Request) -> dict[str, str]:
        """Return the parameters that the request's version knows; from 2.58 on others are refused."""
        if request.version not in PAGED:
            return {}
        known = ["limit", "marker", "changes-since"]
        known += ["changes-before"] if request.version in CHANGES_BEFORE else []
        queries.check(request, known, strict_since="2.58")
        return {name: request.GET[name] for name in known if name in request.GET}


class InstanceActionView(_ActionView):
    """One action, by the id of the request that ordered it, with its steps as events."""

    def get(self, request: Request, server_id: str, request_id: str) -> Response:
        server = self.server(server_id, "show")
        run = instance_actions.get(server_id=server.id, request_id=request_id)
        document, target = documents.render(run, request.version), {"project_id": server.project_id}
        full = policy.allowed(self.caller, RULE.format("events"), target)
        if full or request.version in documents.EVENTS_FOR_OWNERS:
            details = policy.allowed(self.caller, RULE.format("events:details"), target)
            document["events"] = [
                documents.render_event(
                    one, project_id=server.project_id, version=request.version, full=full, details=details
                )
                for one in instance_actions.events(run=run)
            ]
        return Response({"instanceAction": document})
