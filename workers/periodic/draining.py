"""Hosts that are drained, or dead: the next of their servers are moved, or made again elsewhere."""

from apps.compute.services import drains, evacuations


def advance() -> int:
    return drains.advance() + evacuations.advance()
