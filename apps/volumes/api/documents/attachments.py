"""Attachments as documents (cinder/api/v3/views/attachments.py)."""

from typing import Any

from apps.common.api.documents import microseconds
from apps.volumes.models import Attachment


def render_brief(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": str(attachment.id),
        "status": attachment.status,
        "instance": str(attachment.server_id) if attachment.server_id else None,
        "volume_id": str(attachment.volume_id),
    }


def render(attachment: Attachment) -> dict[str, Any]:
    return {
        **render_brief(attachment),
        "attached_at": microseconds(attachment.attached_at),
        "detached_at": microseconds(attachment.detached_at),
        "attach_mode": attachment.mode or None,
        "connection_info": attachment.connection_info,
    }
