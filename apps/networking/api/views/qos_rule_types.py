"""The types of QoS rules that the network engine enforces."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.collections import Collection
from apps.common.api.views import Response, ServiceView
from apps.networking import states
from apps.networking.api.serializers.qos import LARGEST
from apps.networking.exceptions import QosRuleTypeNotFound

# What Neutron knows beside these, for all_rules=True.
OTHERS = ("minimum_bandwidth", "minimum_packet_rate", "packet_rate_limit")


def _range(name: str, low: int) -> dict[str, Any]:
    return {
        "parameter_name": name,
        "parameter_type": "range",
        "parameter_values": {"start": low, "end": LARGEST},
    }


def _choices(name: str, values: list[Any]) -> dict[str, Any]:
    return {"parameter_name": name, "parameter_type": "choices", "parameter_values": values}


PARAMETERS: dict[str, list[dict[str, Any]]] = {
    states.BANDWIDTH_LIMIT: [
        _range("max_kbps", 1),
        _range("max_burst_kbps", 0),
        _choices("direction", list(states.DIRECTIONS)),
    ],
    states.DSCP_MARKING: [_choices("dscp_mark", list(states.DSCP_MARKS))],
}


class QosRuleTypes(Collection):
    """All types that are enforced; with all_rules=True all that Neutron knows."""

    plural, listing = "rule_types", None

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "get_rule_type", {"project_id": self.caller.project_id})

    def rows(self) -> list[str]:
        every = self.request.query_params.get("all_rules", "").lower() in ("true", "1")
        wanted = self.request.query_params.getlist("type")
        names = [*PARAMETERS, *(OTHERS if every else ())]
        return [name for name in names if not wanted or name in wanted]

    def render(self, row: str) -> dict[str, Any]:
        return {"type": row}


class QosRuleTypeItem(ServiceView):
    """A type with its parameters, for administrators as with Neutron."""

    def get(self, request: Request, name: str) -> Response:
        policy.check(self.caller, "get_rule_type:drivers", {"project_id": self.caller.project_id})
        if name not in PARAMETERS:
            raise QosRuleTypeNotFound(id=name[:64])
        drivers = [{"name": "ovn", "supported_parameters": PARAMETERS[name]}]
        return Response({"rule_type": {"type": name, "drivers": drivers}})
