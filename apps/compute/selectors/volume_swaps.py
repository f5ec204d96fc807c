"""Reading what copies volumes of servers: a swap, or a move of a volume to another back end."""

import uuid
from typing import TYPE_CHECKING

from apps.compute.models import BlockDevice
from apps.compute.states import SUBJECT
from apps.volumes.selectors import attachments
from apps.volumes.states import SUBJECT as VOLUME
from apps.workflow.selectors import runs

if TYPE_CHECKING:
    from apps.volumes.models import Attachment
    from apps.workflow.models import Run


def is_copy(run: "Run") -> bool:
    """Return whether the run copies a volume of a server: which of two the guest has, it alone finds out."""
    return "new_attachment" in run.params or run.subject_type == VOLUME


def running(*, server_id: uuid.UUID) -> "Run | None":
    """Return the run that copies a volume of the server, if any. 1 or 2 queries."""
    active = runs.active_of(subject_type=SUBJECT, subject_id=server_id)
    return active if active is not None and is_copy(active) else None


def waiting(*, host: str, server_id: uuid.UUID | None = None) -> "list[Attachment]":
    """Return the new volumes of swaps of the host's servers, or of one of them: they are no devices yet. 1 or 2
    queries.
    """
    kept = attachments.kept(host=host)
    rows = list(kept if server_id is None else kept.filter(server_id=server_id))
    known = BlockDevice.objects.filter(attachment_id__in=[row.id for row in rows])
    devices = set(known.values_list("attachment_id", flat=True)) if rows else set()
    return [row for row in rows if row.id not in devices]


def is_undecided(*, server_id: uuid.UUID, host: str, begun: str = "") -> bool:
    """Return whether the guest of a server without a run may have another volume, or copy, than its rows say.

    ``begun``: the new attachment of the swap that begins now. 2 or 3 queries.
    """
    if attachments.has_arrival(server_id=server_id, host=host):
        return True
    return any(str(row.id) != begun for row in waiting(host=host, server_id=server_id))


def replaced_by(attachment: "Attachment") -> uuid.UUID | None:
    """Return the attachment whose place this one is to take; None where its run is not known any more. 1 query."""
    assert attachment.server_id is not None
    for run in runs.of_subject(subject_type=SUBJECT, subject_id=attachment.server_id):
        if run.params.get("new_attachment") == str(attachment.id):
            return uuid.UUID(run.params["attachment"])
    return None
