"""Errors of a host's networks: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class NetworkUnavailable(RetryableError):
    """The kernel, nftables or the switch refused on this host."""

    default_code = "network_unavailable"


class PortInvalid(AbortError):
    """The port does not fit its network: an unknown subnet, or an address outside of it."""

    default_code = "port_invalid"


class EngineUnavailable(RetryableError):
    """The network engine's database does not answer, or the connection broke before its answer: call again."""

    default_code = "network_engine_unavailable"


class EngineRefused(AbortError):
    """The network engine's database refused a transaction: a fault of the driver or of its schema."""

    default_code = "network_engine_refused"
