"""Reading what copies volumes of servers: a swap, or a move of a volume to another back end."""

import uuid
from typing import TYPE_CHECKING

from apps.compute.states import SUBJECT
from apps.volumes.states import SUBJECT as VOLUME
from apps.workflow.selectors import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run


def is_copy(run: "Run") -> bool:
    """Return whether the run copies a volume of a server: which of two the guest has, it alone finds out."""
    return "new_attachment" in run.params or run.subject_type == VOLUME


def running(*, server_id: uuid.UUID) -> "Run | None":
    """Return the run that copies a volume of the server, if any. 1 or 2 queries."""
    active = runs.active_of(subject_type=SUBJECT, subject_id=server_id)
    return active if active is not None and is_copy(active) else None
