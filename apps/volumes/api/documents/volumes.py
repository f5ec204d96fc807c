"""Volumes as documents, by microversion."""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.volumes import states
from apps.volumes.api.documents.base import Links
from apps.volumes.models import Attachment, Volume, VolumeKey

if TYPE_CHECKING:
    from apps.images.models import Image

FIELDS = {
    "group_id": since("3.13"),
    "provider_id": since("3.21"),
    "shared_targets": since("3.48"),
    "service_uuid": since("3.48"),
    "cluster_name": since("3.61"),
    "volume_type_id": since("3.63"),
    "consumes_quota": since("3.65"),
}
KEY_IDS = since("3.64")


def host_of(volume: Volume) -> str | None:
    """Return the back end's place in Cinder's form: host@backend#pool."""
    return f"{volume.host}@{volume.backend}#{volume.backend}" if volume.host else None


# A detaching server has the disk until its guest releases it; Kubernetes attaches what is not listed elsewhere.
HELD = (states.ATTACHED, states.DETACHING)


class Renderer:
    """Renders volumes for one request. ``admin``: with what administrators alone may know."""

    def __init__(self, *, links: Links, version: Version, admin: bool) -> None:
        self.links, self._version, self._admin = links, version, admin
        self._hidden = microversions.hidden(FIELDS, version)

    def render_brief(self, volume: Volume) -> dict[str, Any]:
        return {"id": str(volume.id), "name": volume.name, "links": self.links.of("volumes", volume.id)}

    def render(self, volume: Volume, attachments: Sequence[Attachment]) -> dict[str, Any]:
        """Return the document. The volume's type is read."""
        document = {
            **self.render_brief(volume),
            "status": volume.status,
            "size": volume.size,
            "description": volume.description,
            "availability_zone": volume.availability_zone,
            "created_at": microseconds(volume.created_at),
            "updated_at": microseconds(volume.updated_at),
            "volume_type": volume.volume_type.name if volume.volume_type else None,
            "volume_type_id": _text(volume.volume_type_id),
            "snapshot_id": _text(volume.source_snapshot_id),
            "source_volid": _text(volume.source_volume_id),
            "metadata": metadata_of(volume),
            "user_id": volume.user_id,
            "bootable": "true" if volume.bootable else "false",
            "encrypted": volume.encrypted,
            "multiattach": volume.multiattach,
            "replication_status": None,
            "consistencygroup_id": None,
            "group_id": _text(volume.group_id),
            "shared_targets": False,  # no client has to lock them: each attachment has a separate export
            "service_uuid": None,
            "consumes_quota": True,
            "attachments": [self.attachment(volume, row) for row in attachments if row.status in HELD],
        }
        if self._admin:
            document |= {"provider_id": None, "cluster_name": None, "migration_status": volume.migration_status or None}
        return microversions.without(document, self._hidden)

    def render_shown(
        self, volume: Volume, attachments: Sequence[Attachment], key_id: uuid.UUID | None = None
    ) -> dict[str, Any]:
        """Return the document of a volume that is shown or listed with details: Cinder adds these there alone."""
        document = self.render(volume, attachments)
        if key_id is not None and self._version in KEY_IDS:
            document["encryption_key_id"] = str(key_id)
        document["os-vol-tenant-attr:tenant_id"] = volume.project_id
        if volume.image_metadata:
            document["volume_image_metadata"] = volume.image_metadata
        if self._admin:
            document |= {
                "os-vol-host-attr:host": host_of(volume),
                "os-vol-mig-status-attr:migstat": volume.migration_status or None,
                "os-vol-mig-status-attr:name_id": None,
            }
        return document

    def attachment(self, volume: Volume, row: Attachment) -> dict[str, Any]:
        return {
            "id": str(volume.id),
            "volume_id": str(volume.id),
            "attachment_id": str(row.id),
            "server_id": _text(row.server_id),
            "host_name": (row.host or None) if self._admin else None,
            "device": row.device or None,
            "attached_at": microseconds(row.attached_at),
        }


def render_encryption(key: VolumeKey | None) -> dict[str, Any]:
    """Return how a volume is encrypted, as Nova would ask for it; the passphrase is for hosts alone."""
    if key is None:
        return {"encryption_key_id": None}
    return {
        "encryption_key_id": str(key.id),
        "provider": "luks",
        "control_location": "front-end",
        "cipher": key.cipher,
        "key_size": key.key_size,
    }


def metadata_of(volume: Volume) -> Mapping[str, str]:
    """Return a volume's metadata; a read-only volume says so there, as in Cinder."""
    return {**volume.metadata, "readonly": "True"} if volume.read_only else volume.metadata


def _text(key: uuid.UUID | None) -> str | None:
    return str(key) if key is not None else None


def render_upload(volume: Volume, image: "Image") -> dict[str, Any]:
    """Return what os-volume_upload_image answers about the image that is on its way."""
    kind = volume.volume_type
    return {
        "id": str(volume.id),
        "updated_at": microseconds(volume.updated_at),
        "status": states.UPLOADING,
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": {"id": str(kind.id), "name": kind.name} if kind is not None else None,
        "image_id": str(image.id),
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "image_name": image.name,
        "visibility": image.visibility,
        "protected": image.protected,
    }
