"""What volumes ask about servers. The compute service registers the answers: it is above this application."""

import uuid
from collections.abc import Callable

ProjectOf = Callable[[uuid.UUID], str | None]
WhyNotCopied = Callable[[uuid.UUID], str]
_registered: list[ProjectOf] = []
_why_not: list[WhyNotCopied] = []


def register(project_of: ProjectOf, why_not_copied: WhyNotCopied) -> None:
    """Register what returns the project of a server that is not deleted, or None; and why its disks stay."""
    _registered[:], _why_not[:] = [project_of], [why_not_copied]


def why_not_copied(server_id: uuid.UUID) -> str:
    """Return why a disk of the server cannot be copied now; "" if it can. 1 query."""
    return _why_not[0](server_id) if _why_not else ""


def project_of(server_id: uuid.UUID) -> str | None:
    """Return the project of a server that is not deleted; None for one that does not exist. 1 query."""
    return _registered[0](server_id) if _registered else None


def is_gone(server_id: uuid.UUID | None) -> bool:
    """Return whether the server of an attachment was deleted. 1 query."""
    return server_id is not None and bool(_registered) and project_of(server_id) is None
