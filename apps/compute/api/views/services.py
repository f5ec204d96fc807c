"""/os-services: the agents of the hosts, as compute services, and the schedulers."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import Version, handler, since
from apps.compute.api.documents import services as documents
from apps.compute.api.serializers import services as serializers
from apps.compute.api.views.base import ComputeView, WholeCollection
from apps.compute.exceptions import ServiceNotFound
from apps.compute.selectors import services as selectors
from apps.compute.services import services

RULE = "os_compute_api:os-services:{}"
FORCE_DOWN = since("2.11")
Renderer = Callable[[Any, Version], dict[str, Any]]


class ServicesView(WholeCollection):
    """The agents of the hosts, as compute services, and the machines that run schedulers."""

    checks_query = True
    plural, rule = "services", RULE.format("list")

    def rows(self) -> list[tuple[Renderer, Any]]:
        """Return schedulers, then hosts, each with what renders it."""
        self.check_query(("host", "binary"))
        wanted = {name: self.request.GET.get(name) for name in ("host", "binary")}
        schedulers = [(documents.render_scheduler, row) for row in selectors.listed_schedulers(**wanted)]
        return [*schedulers, *((documents.render, host) for host in selectors.listed(**wanted))]

    def render(self, row: tuple[Renderer, Any]) -> dict[str, Any]:
        render, service = row
        return render(service, self.version)


class ServiceView(ComputeView):
    """PUT names a verb below 2.53 and an id from there on; DELETE."""

    request_serializers = {"put": serializers.ServiceUpdate}
    examples = {"PUT": {"status": "disabled", "disabled_reason": "maintenance"}}

    @handler("2.1", "2.52")
    def put(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("update"))
        act = {
            "enable": self._enable,
            "disable": self._disable,
            "disable-log-reason": self._disable_with_reason,
            "force-down": self._force_down,
        }.get(key)
        if act is None or (key == "force-down" and self.version not in FORCE_DOWN):
            raise ServiceNotFound("Unknown action")
        return act(request)

    @handler("2.53")  # type: ignore[no-redef]
    def put(self, request: Request, key: str) -> Response:  # noqa: F811 - the same call in later versions
        policy.check(self.caller, RULE.format("update"))
        values = self.parse(request)
        if selectors.get_scheduler(key=key, by_uuid=True) is not None:
            raise BadRequest(
                f"Updating a {selectors.SCHEDULER_BINARY} service is not supported. Only {selectors.BINARY} services "
                "can be updated."
            )
        host = selectors.get(key=key, by_uuid=True)
        status = values.get("status")
        updated = services.update(
            host=host.name,
            enabled=None if status is None else status == "enabled",
            reason=values.get("disabled_reason"),
            forced_down=values.get("forced_down"),
        )
        return Response({"service": documents.render(updated, self.version)})

    def delete(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("delete"))
        by_uuid = self.version in documents.UUIDS
        scheduler = selectors.get_scheduler(key=key, by_uuid=by_uuid)
        if scheduler is not None:
            services.forget_scheduler(scheduler=scheduler)
            return Response(status=204)
        host = selectors.get(key=key, by_uuid=by_uuid)
        services.delete(host=host.name)
        return Response(status=204)

    def _enable(self, request: Request) -> Response:
        values = self.parse(request, serializer=serializers.ServiceName)
        selectors.get_by_name(**values)
        services.update(host=values["host"], enabled=True)
        return Response({"service": {**values, "status": "enabled"}})

    def _disable(self, request: Request) -> Response:
        values = self.parse(request, serializer=serializers.ServiceName)
        selectors.get_by_name(**values)
        services.update(host=values["host"], enabled=False)
        return Response({"service": {**values, "status": "disabled"}})

    def _disable_with_reason(self, request: Request) -> Response:
        values = self.parse(request, serializer=serializers.ServiceReason)
        reason = values.pop("disabled_reason")
        selectors.get_by_name(**values)
        services.update(host=values["host"], enabled=False, reason=reason)
        return Response({"service": {**values, "status": "disabled", "disabled_reason": reason}})

    def _force_down(self, request: Request) -> Response:
        values = self.parse(request, serializer=serializers.ServiceForcedDown)
        down = values.pop("forced_down")
        selectors.get_by_name(**values)
        services.update(host=values["host"], forced_down=down)
        return Response({"service": {**values, "forced_down": down}})
