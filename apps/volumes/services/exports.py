"""Exports for other hosts: wanted by a row, opened by the volume's host, and closed once the row is gone."""

import uuid
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.volumes.exceptions import NoPortLeft
from apps.volumes.models import Attachment, Export

TRIES = 20


def want(*, attachment: Attachment, host: str, storage_host: str) -> Export:
    """Have a row: ``host`` is to have the attachment's volume. One of another storage host is replaced."""
    row, _ = Export.objects.get_or_create(attachment=attachment, host=host, defaults={"storage_host": storage_host})
    if row.storage_host != storage_host:
        row.delete()
        return want(attachment=attachment, host=host, storage_host=storage_host)
    return row


def forget(*, attachment_id: uuid.UUID, host: str | None = None, but: str | None = None) -> bool:
    """Take the rows of an attachment away: of one host, of all ``but`` one, or all. Returns whether there were any."""
    rows = Export.objects.filter(attachment_id=attachment_id)
    if host is not None:
        rows = rows.filter(host=host)
    if but is not None:
        rows = rows.exclude(host=but)
    return bool(rows.delete()[0])


def give_port(*, export: Export, address: str, ports: range, without: Collection[int] = ()) -> int:
    """Give the export an address and a free port of its storage host: the one that it has, if that may be.

    ``without``: ports that something else listens on. Raises NoPortLeft (409).
    """
    had = export.port
    if had is not None and had in ports and had not in without and export.address == address:
        return had
    for _ in range(TRIES):
        taken = Export.objects.filter(storage_host=export.storage_host).exclude(id=export.id)
        used = set(taken.exclude(port=None).values_list("port", flat=True))
        port = next((port for port in ports if port not in used and port not in without), None)
        if port is None:
            raise NoPortLeft(host=export.storage_host, ports=f"{ports[0]}-{ports[-1]}")
        try:
            with transaction.atomic():
                Export.objects.filter(id=export.id).update(address=address, port=port)
        except IntegrityError:  # another export was faster
            continue
        export.address, export.port = address, port
        return port
    raise NoPortLeft(host=export.storage_host, ports=f"{ports[0]}-{ports[-1]}")


def mark_open(*, export: Export) -> None:
    """The storage host has it open."""
    Export.objects.filter(id=export.id).update(opened_at=timezone.now(), error="")


def mark_failed(*, export: Export, message: str) -> None:
    """The storage host could not open it."""
    Export.objects.filter(id=export.id).update(opened_at=None, error=message)
