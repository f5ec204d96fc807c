"""Images of servers' disks: the image's row and the run that fills it, written together."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.compute.actions import CREATE_BACKUP, CREATE_IMAGE, ServerAction
from apps.compute.exceptions import VolumeBacked
from apps.compute.models import Server
from apps.compute.selectors import volume_attachments
from apps.compute.services import server_actions, volume_images
from apps.compute.services.unfilled_images import IMAGE
from apps.images import attributes
from apps.images import states as image_states
from apps.images.selectors import images as image_selectors
from apps.images.services import images, members

FORMAT, CONTAINER = "qcow2", "bare"
# nova/conf/compute.py, non_inheritable_image_properties; nova/compute/utils.py, NON_INHERITABLE_IMAGE_PROPERTIES;
# nova/utils.py, SM_SKIP_KEYS
_NOT_INHERITED = (
    "cache_in_nova", "bittorrent", "cinder_encryption_key_id", "cinder_encryption_key_deletion_policy",
    "img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid",
    "mappings", "block_device_mapping", "img_mappings", "img_block_device_mapping",
    "base_image_ref", "backup_type", "instance_owner",
)  # fmt: skip


def create(
    *, context: RequestContext, server: Server, name: str = "", metadata: Mapping[str, str] | None = None
) -> uuid.UUID:
    """Begin to make an image of the server's root disk; return its ID. Without a ``name`` it gets the server's.

    Raises what ``server_actions.begin`` and ``volume_images.create`` raise, QuotaExceeded (413) of the image service,
    and what that says of properties (400, 403, 413).
    """
    name = name or f"{server.name[:230]} {timezone.now():%Y-%m-%d %H:%M:%S}"
    properties = {"image_type": "snapshot", **_check(metadata or {})}  # in Nova too, the request's win
    return begin(context, server, CREATE_IMAGE, name, properties)


def back_up(
    *,
    context: RequestContext,
    server: Server,
    name: str,
    backup_type: str,
    rotation: int,
    metadata: Mapping[str, str] | None = None,
) -> uuid.UUID:
    """The same as a backup: once it is there, only the ``rotation`` newest ones of its type stay.

    Raises VolumeBacked (400) for a server that boots from a volume.
    """
    properties = {**_check(metadata or {}), "image_type": "backup", "backup_type": backup_type}
    return begin(context, server, CREATE_BACKUP, name, properties, backup_type=backup_type, rotation=rotation)


def _check(metadata: Mapping[str, str]) -> dict[str, str]:
    for name in metadata:
        attributes.refuse_as_property(name)
    return {name: attributes.property_value(name, value) for name, value in metadata.items()}


def begin(
    context: RequestContext, server: Server, action: ServerAction, name: str, properties: dict[str, str], **params: Any
) -> uuid.UUID:
    """Write the image's row and begin the run that fills it. Of a server that boots from a volume, an image of the
    snapshots of its volumes.
    """
    run_id = uuid.uuid4()
    owner = context.project_id or server.project_id
    boots_from_volume = volume_attachments.boots_from_volume(server)
    if boots_from_volume and action is CREATE_BACKUP:
        raise VolumeBacked
    values = {
        "name": name,
        "disk_format": FORMAT,
        "container_format": CONTAINER,
        # As in Nova: an administrator's image of another project's server is shared with that project.
        "visibility": image_states.PRIVATE if owner == server.project_id else image_states.SHARED,
        **_least(server),
    }
    if owner != server.project_id:
        properties["instance_owner"] = server.project_id
    if boots_from_volume:
        return volume_images.create(
            context=context,
            server=server,
            values={**values, "project_id": owner, "disk_format": "raw", "min_disk": 0},
            properties=_properties(context, server, properties),
            shared=owner != server.project_id,
            waits=volume_images.check_agent(server),
        )
    with transaction.atomic():
        image = images.create_to_fill(
            project_id=owner, run_id=run_id, values=values, properties=_properties(context, server, properties)
        )
        if owner != server.project_id:
            members.add(image=image, member_id=server.project_id)
        params = {IMAGE: str(image.id), **params}
        server_actions.begin(context=context, server=server, action=action, run_id=run_id, **params)
    return image.id


def _properties(context: RequestContext, server: Server, own: Mapping[str, str]) -> dict[str, str]:
    """Return the properties: those of the server's image, what Nova writes, and the request's own."""
    inherited = {
        key: value
        for key, value in server.image_properties.items()
        if key not in _NOT_INHERITED and not key.startswith(attributes.RESERVED_PREFIX)
    }
    about = {
        "base_image_ref": str(server.image_id or ""),
        "image_location": "snapshot",
        "image_state": "available",
        "instance_uuid": str(server.id),
        "owner_id": server.project_id,
        "owner_project_name": context.project_name,
        "owner_user_name": context.user_name,
        "user_id": context.user_id or "",
    }
    return {**inherited, **{key: value for key, value in about.items() if value}, **own}


def _least(server: Server) -> dict[str, int]:
    """Return the disk in GiB and the memory in MiB that the image needs: as much as the server's image, and the disk of
    the server's flavor (nova/utils.py, get_system_metadata_from_image).
    """
    base = image_selectors.live().filter(id=server.image_id).only("min_ram").first() if server.image_id else None
    disk = max(int(server.image_facts.get("min_disk") or 0), int(server.flavor.get("disk") or 0))
    return {"min_disk": disk, "min_ram": base.min_ram if base is not None else 0}


def rotate(*, image_id: uuid.UUID, server_id: uuid.UUID, backup_type: str, rotation: int) -> list[uuid.UUID]:
    """Delete the oldest backups of a type that a server has beyond ``rotation``; protected ones stay.

    Only those that belong to the project of the backup that was just made (``image_id``). Returns their IDs.
    """
    newest = image_selectors.live().filter(id=image_id).first()
    if newest is None:
        return []
    wanted = {"image_type": "backup", "backup_type": backup_type, "instance_uuid": str(server_id)}
    rows = image_selectors.live().filter(project_id=newest.project_id, properties__contains=wanted)
    excess = list(rows.order_by("-created_at", "-id")[rotation:])
    gone = [image for image in excess if not image.protected]
    for image in gone:
        images.discard(image_id=image.id)
    return [image.id for image in gone]
