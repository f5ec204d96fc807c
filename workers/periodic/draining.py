"""Hosts that are drained, or dead: the next of their servers are moved, or made again elsewhere."""

import structlog

from apps.common.exceptions import CloudError
from apps.compute.services import drains, evacuations

log = structlog.get_logger("celerity.periodic")


def advance() -> int:
    """Return how many moves began. What is wrong with one server, or host, keeps the other kind from nothing."""
    begun = 0
    for advance_these in (evacuations.advance, drains.advance):
        try:
            begun += advance_these()
        except CloudError as error:
            log.exception("servers stay where they are", reason=error.message)
    return begun
