"""Hosts that are drained: the next of their servers are moved."""

from apps.compute.services import drains


def advance() -> int:
    return drains.advance()
