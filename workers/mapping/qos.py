"""Maps what QoS policies, and flavors, say of traffic to the specs of the network engine."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from apps.compute.selectors import bandwidths
from apps.networking.values import ProgrammedPort, ProgrammedQos
from workers.drivers.network.base.qos import Limit, QosSpec


def qos_spec(facts: ProgrammedQos | None) -> QosSpec | None:
    """Return limits and marks as a spec. Raises SpecInvalid."""
    if facts is None:
        return None
    return QosSpec(egress=_limit(facts.egress), ingress=_limit(facts.ingress), dscp=facts.dscp)


def with_flavors(ports: Sequence[ProgrammedPort]) -> list[ProgrammedPort]:
    """Return ports with the limits of their servers' flavors, where those are lower than a policy's. 1 query."""
    servers: dict[str, uuid.UUID] = {}
    for device_id in {port.device_id for port in ports if port.device_id}:
        with suppress(ValueError):
            servers[device_id] = uuid.UUID(device_id)
    limits = bandwidths.of_servers(server_ids=servers.values())
    if not limits:
        return list(ports)
    return [_within(port, limits.get(servers.get(port.device_id, uuid.UUID(int=0)))) for port in ports]


def _within(port: ProgrammedPort, bandwidth: bandwidths.Bandwidth | None) -> ProgrammedPort:
    if bandwidth is None:
        return port
    said = port.qos or ProgrammedQos()
    egress, ingress = _lower(said.egress, bandwidth.egress), _lower(said.ingress, bandwidth.ingress)
    qos = ProgrammedQos(egress=egress, ingress=ingress, dscp=said.dscp)
    return replace(port, qos=qos if qos != ProgrammedQos() else None)


def _lower(policy: tuple[int, int] | None, flavor: tuple[int, int] | None) -> tuple[int, int] | None:
    return min((limit for limit in (policy, flavor) if limit is not None), default=None)


def _limit(facts: tuple[int, int] | None) -> Limit | None:
    return Limit(*facts) if facts is not None else None
