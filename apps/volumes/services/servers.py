"""What volumes ask about servers. The compute service registers the answers: it is above this application."""

import uuid
from collections.abc import Callable

ProjectOf = Callable[[uuid.UUID], str | None]
_registered: list[ProjectOf] = []


def register(project_of: ProjectOf) -> None:
    """Register the function that returns the project of a server that is not deleted, or None."""
    _registered[:] = [project_of]


def project_of(server_id: uuid.UUID) -> str | None:
    """Return the project of a server that is not deleted; None for one that does not exist. 1 query."""
    return _registered[0](server_id) if _registered else None


def is_gone(server_id: uuid.UUID | None) -> bool:
    """Return whether the server of an attachment was deleted. 1 query."""
    return server_id is not None and bool(_registered) and project_of(server_id) is None
