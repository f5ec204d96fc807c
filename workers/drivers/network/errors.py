"""Errors of a host's networks: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class NetworkUnavailable(RetryableError):
    """The kernel, nftables or dnsmasq refused on this host."""

    default_code = "network_unavailable"


class AddressOverlap(RetryableError):
    """A range of the network is already in use on this host by another network; another host may be free of it."""

    default_code = "address_overlap"


class BridgeTaken(RetryableError):
    """An interface of the bridge's name exists on this host and is not this network's."""

    default_code = "bridge_taken"


class PortInvalid(AbortError):
    """The port does not fit its network: an unknown subnet, or an address outside of it."""

    default_code = "port_invalid"


class EngineUnavailable(RetryableError):
    """The network engine's database does not answer, or the connection broke before its answer: call again."""

    default_code = "network_engine_unavailable"


class EngineRefused(AbortError):
    """The network engine's database refused a transaction: a fault of the driver or of its schema."""

    default_code = "network_engine_refused"
