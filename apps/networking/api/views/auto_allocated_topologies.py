"""Automatic topologies of projects."""

import uuid

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.networking.services import auto_allocated_topologies

DRY_RUN = "dry-run"


class AutoAllocatedTopology(ServiceView):
    """Get, which makes what is missing; check without making it (``fields=dry-run``); delete."""

    def _project(self, text: str, rule: str) -> str:
        """Return the project that a path names, "None" for the caller's. Raises PolicyForbidden (403)."""
        project_id = str(self.caller.project_id) if text == "None" else text
        policy.check(self.caller, rule, {"project_id": project_id})
        return project_id

    def get(self, request: Request, project_id: str) -> Response:
        owner = self._project(project_id, "get_auto_allocated_topology")
        if DRY_RUN in request.query_params.getlist("fields"):
            auto_allocated_topologies.check(project_id=owner)
            key = "dry-run=pass"
        else:
            network = auto_allocated_topologies.find(project_id=owner)
            is_complete = network and auto_allocated_topologies.is_complete(network=network)
            key = str(network.id if network and is_complete else self._create(owner))
        return Response({"auto_allocated_topology": {"id": key, "tenant_id": owner, "project_id": owner}})

    def _create(self, project_id: str) -> uuid.UUID:
        """Make what the topology lacks, if the caller may make such things one by one. Raises PolicyForbidden (403)."""
        for rule in ("create_network", "create_router"):
            policy.check(self.caller, rule, {"project_id": project_id})
        return auto_allocated_topologies.ensure(project_id=project_id)

    def delete(self, request: Request, project_id: str) -> Response:
        auto_allocated_topologies.delete(project_id=self._project(project_id, "delete_auto_allocated_topology"))
        return Response(status=204)
