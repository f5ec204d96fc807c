"""Reading exports: volumes that are open for other hosts than their own."""

import uuid

from django.db.models import QuerySet

from apps.volumes.models import Export


def of_attachment(*, attachment_id: uuid.UUID, host: str) -> Export | None:
    """Return the export that a host has of an attachment. 1 query."""
    return Export.objects.filter(attachment_id=attachment_id, host=host).first()


def all_of_attachment(*, attachment_id: uuid.UUID) -> list[Export]:
    """Return the exports of an attachment, for whatever host. 1 query."""
    return list(Export.objects.filter(attachment_id=attachment_id))


def of_storage_host(*, host: str) -> QuerySet[Export]:
    """Return the exports that a host is to have open, with their attachments and volumes."""
    return Export.objects.select_related("attachment__volume").filter(storage_host=host)


def of_volume(*, volume_id: uuid.UUID, storage_host: str) -> list[Export]:
    """Return a volume's exports, with their attachments. 1 query."""
    return list(of_storage_host(host=storage_host).filter(attachment__volume_id=volume_id))


def storage_hosts(*, server_id: uuid.UUID) -> list[tuple[str, uuid.UUID]]:
    """Return the hosts that have volumes open for a server's host, with these volumes. 1 query."""
    rows = Export.objects.filter(attachment__server_id=server_id).order_by("storage_host", "attachment__volume_id")
    return list(rows.values_list("storage_host", "attachment__volume_id").distinct())
