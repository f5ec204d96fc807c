"""POST /os-server-external-events: what other services of a cloud report to Nova."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.compute.api.serializers import server_external_events as serializers
from apps.compute.api.views.base import ComputeView
from apps.compute.services import server_external_events

RULE = "os_compute_api:os-server-external-events:create"


class ServerExternalEventsView(ComputeView):
    """Events are answered one by one: 200 when all were taken, 207 when some were, 404 when none was."""

    request_serializers = {"post": serializers.ExternalEvents}
    examples = {
        "POST": {
            "events": [{"name": "network-changed", "server_uuid": "<a server's id>", "tag": "<a port's id>"}],
        }
    }

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE)
        events = self.parse(request)["events"]
        codes = server_external_events.receive(
            events=[(event["server_uuid"], event["name"], event.get("tag")) for event in events]
        )
        if 200 not in codes:
            raise NotFound("No instances found for any event")
        answers = [
            {
                **event,
                "server_uuid": str(event["server_uuid"]),
                "status": event.get("status", "completed") if code == 200 else "failed",
                "code": code,
            }
            for event, code in zip(events, codes, strict=True)
        ]
        return Response({"events": answers}, status=200 if set(codes) == {200} else 207)
