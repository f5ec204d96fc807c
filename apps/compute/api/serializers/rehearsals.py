"""The answer to a dry run."""

from typing import Any

from apps.compute.services.rehearsals import Rehearsal


def document(found: Rehearsal, *, full: bool) -> dict[str, Any]:
    """``full``: with hosts and the scheduler's explanation, which only administrators see."""
    told: dict[str, Any] = {
        "fits": found.fits,
        "servers_asked": found.asked,
        "servers_fitting": len(found.hosts),
        "message": found.message,
    }
    if full:
        told |= {"hosts": found.hosts, "explanation": found.explanation}
    return told
