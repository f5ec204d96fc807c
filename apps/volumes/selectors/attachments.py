"""Reading attachments."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import AttachmentNotFound
from apps.volumes.models import Attachment


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Attachment]:
    """Return the attachments of the volumes of the caller's project, or of all. Their volumes are joined."""
    rows = Attachment.objects.select_related("volume")
    return rows if all_projects else rows.filter(volume__project_id=context.project_id)


def get(*, context: RequestContext, attachment_id: Any) -> Attachment:
    """Return an attachment of a volume that the caller may see, with its volume. Raises AttachmentNotFound (404)."""
    key = parse_uuid(attachment_id)
    rows = visible(context=context, all_projects=context.is_admin)
    attachment = rows.filter(id=key).first() if key else None
    if attachment is None:
        raise AttachmentNotFound(attachment=str(attachment_id)[:64])
    return attachment


def load(*, attachment_id: uuid.UUID) -> Attachment | None:
    """Return an attachment with its volume, without a policy check: for workers. 1 query."""
    return Attachment.objects.select_related("volume").filter(id=attachment_id).first()


def of_volume(*, volume_id: uuid.UUID) -> list[Attachment]:
    """Return a volume's attachments, oldest first. 1 query."""
    return list(Attachment.objects.filter(volume_id=volume_id).order_by("created_at", "id"))


def of_volumes(*, volume_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Attachment]]:
    """Return the attachments of volumes, each volume's oldest first. 1 query."""
    attachments: dict[uuid.UUID, list[Attachment]] = {}
    for row in Attachment.objects.filter(volume_id__in=list(volume_ids)).order_by("created_at", "id"):
        attachments.setdefault(row.volume_id, []).append(row)
    return attachments


def of_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Attachment]]:
    """Return the attachments of servers with their volumes, each server's oldest first. 1 query."""
    attachments: dict[uuid.UUID, list[Attachment]] = {}
    rows = Attachment.objects.select_related("volume").filter(server_id__in=list(server_ids))
    for row in rows.order_by("created_at", "id"):
        if row.server_id is not None:
            attachments.setdefault(row.server_id, []).append(row)
    return attachments


def arrivals(*, host: str) -> QuerySet[Attachment]:
    """Return those of volumes that move while a server of the host has them: the host opens the target. 1 query."""
    return on_host(host=host).filter(at_target=True, server_id__isnull=False)


def has_arrival(*, server_id: uuid.UUID, host: str) -> bool:
    """Return whether a volume of a server of the host may be the newer one at the target of a move. 1 query."""
    return arrivals(host=host).filter(server_id=server_id).exists()


def kept(*, host: str) -> QuerySet[Attachment]:
    """Return those of volumes that the compute service keeps for servers of the host, which have none of them yet."""
    rows = on_host(host=host).filter(by_compute=True, status=states.RESERVED, server_id__isnull=False)
    return rows.filter(at_target=False).order_by("created_at", "id")


def on_host(*, host: str) -> QuerySet[Attachment]:
    """Return the attachments that a host has open, with their volumes."""
    return Attachment.objects.select_related("volume").filter(host=host)
