"""Limits of traffic, as they are part of the specs of ports, gateways and floating IPs."""

from __future__ import annotations

from dataclasses import dataclass

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

MAX_RATE = 4_294_967_295  # kbit/s, and kbit for a burst


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate in kbit/s, and what may pass at once beyond it, in kbit; 0 leaves the burst to the engine."""

    kbps: int
    burst_kbit: int = 0

    def __post_init__(self) -> None:
        """Numbers that an engine can hold."""
        values.check_range(self.kbps, "a rate", 1, MAX_RATE)
        values.check_range(self.burst_kbit, "a burst", 0, MAX_RATE)


@dataclass(frozen=True, slots=True)
class QosSpec:
    """What applies to the traffic that leaves a guest (`egress`) and that reaches it (`ingress`).

    `dscp` marks the packets that leave.
    """

    egress: Limit | None = None
    ingress: Limit | None = None
    dscp: int | None = None

    def __post_init__(self) -> None:
        """It says something."""
        if self.dscp is not None:
            values.check_range(self.dscp, "a DSCP mark", 0, 63)
        if self.egress is None and self.ingress is None and self.dscp is None:
            raise SpecInvalid("no limit and no mark")
