"""/servers/{server_id}/os-instance-actions: a server's actions, step by step."""

from datetime import datetime
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request

from apps.common import policy
from apps.common.api import collections
from apps.common.api.documents import next_link
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.compute.api import queries
from apps.compute.api.documents import instance_actions as documents
from apps.compute.api.listing import ACTIONS, STYLE
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
    """A server's actions, newest first."""

    def get(self, request: Request, server_id: str) -> Response:
        params = self._params(request)
        server = self.server(server_id, "list")
        rows = instance_actions.changed(server_id=server.id, **self._times(params))
        paged = request.version in PAGED
        page = collections.read(
            rows,
            request.GET if paged else QueryDict(),
            ACTIONS,
            marked=lambda: instance_actions.changed(server_id=server.id),
        )
        document: dict[str, Any] = {"instanceActions": [documents.render(run, request.version) for run in page.rows]}
        if page.more and paged:
            document["links"] = next_link(request, marker=page.rows[-1].request_id)
        return Response(document)

    def _times(self, params: dict[str, str]) -> dict[str, datetime | None]:
        """Return since when and until when actions have changed. Raises BadRequest (400)."""
        names = {"since": "changes-since", "before": "changes-before"}
        found = {key: STYLE.time(params[name], name) if name in params else None for key, name in names.items()}
        if found["since"] and found["before"] and found["before"] < found["since"]:
            raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
        return found

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
