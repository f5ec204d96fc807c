"""Maps what QoS policies say to the specs of the network engine."""

from apps.networking.values import ProgrammedQos
from workers.drivers.network.base.qos import Limit, QosSpec


def qos_spec(facts: ProgrammedQos | None) -> QosSpec | None:
    """Return limits and marks as a spec. Raises SpecInvalid."""
    if facts is None:
        return None
    return QosSpec(egress=_limit(facts.egress), ingress=_limit(facts.ingress), dscp=facts.dscp)


def _limit(facts: tuple[int, int] | None) -> Limit | None:
    return Limit(*facts) if facts is not None else None
