"""Writing messages: why a volume, a snapshot or a backup could not be made or changed."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from apps.volumes.models import Backup, Message, Snapshot, Volume

TYPES = {Volume: "VOLUME", Snapshot: "VOLUME_SNAPSHOT", Backup: "VOLUME_BACKUP"}


def write(*, row: Volume | Snapshot | Backup, event: str, text: str) -> None:
    """Tell the row's project what failed, in the caller's transaction. ``event``: "create volume" and the like."""
    now = timezone.now()
    Message.objects.create(
        project_id=row.project_id,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        resource_type=TYPES[type(row)],
        resource_id=row.id,
        event=event,
        text=text,
        created_at=now,
        expires_at=now + timedelta(days=settings.MESSAGE_DAYS),
    )


def delete(*, message: Message) -> None:
    message.delete()


def prune() -> int:
    """Delete messages that have expired; return how many. Called by beat."""
    return Message.objects.filter(expires_at__lte=timezone.now()).delete()[0]
