"""Images of servers that boot from a volume: a snapshot of each volume, and an image that names them.

Such an image has no data. It is there at once; each snapshot is made by a separate run, as if users asked for it.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import Conflict, Forbidden
from apps.compute import image_properties, locks, rpcapi, states
from apps.compute.actions import CREATE_IMAGE
from apps.compute.exceptions import ImageUnusable, ServerNotFound
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import servers as selectors
from apps.compute.selectors import volume_attachments
from apps.compute.services import guest_passwords, server_actions
from apps.images.services import images, members
from apps.volumes import exceptions
from apps.volumes.selectors import server_volumes
from apps.volumes.services import snapshots

if TYPE_CHECKING:
    from apps.volumes.models import Snapshot, Volume

MAPPING, SYNTAX, ROOT = image_properties.MAPPING, image_properties.MAPPING_SYNTAX, "root_device_name"
_KINDS = {"ephemeral": None, "swap": "swap"}  # the guest_format of blank local disks


@transaction.atomic
def create(
    *,
    context: RequestContext,
    server: Server,
    values: Mapping[str, Any],
    properties: Mapping[str, str],
    shared: bool,
    waits: bool = False,
) -> uuid.UUID:
    """Write the image and begin the snapshots: all, or nothing. Returns the image's ID.

    ``values`` are the image's columns, ``shared``: with the server's project. The guest's agent freezes its file
    systems once for all snapshots; ``waits``: without that they fail. Raises WrongState (409), InvalidVolume
    (400), Forbidden (403) for the quota of snapshots, QuotaExceeded (413) for that of images.
    """
    keys = {row.volume_id: uuid.uuid4() for row in volume_attachments.of_server(server=server) if row.volume_id}
    rows = server_volumes.rows_of(volume_ids=keys)
    devices = selectors.block_devices(server_id=server.id)
    image_id = uuid.uuid4()
    mapping = [_mapping(device, keys, rows) for device in devices]
    named = {MAPPING: json.dumps(mapping), SYNTAX: "True", ROOT: server.root_device_name}
    image = images.create_without_data(
        project_id=values["project_id"], values={**values, "id": image_id}, properties={**properties, **named}
    )
    if shared:
        members.add(image=image, member_id=server.project_id)
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    server_actions.check_state(server=row, action=CREATE_IMAGE)
    values = {"name": f"snapshot for {image.name}"[:255], "ids": keys, "moment": str(image.id), "must_wait": waits}
    for made in _snapshot(context, values, rows):
        if made.size != rows[made.volume_id].size:  # its volume grew just now
            raise Conflict(f"Volume {made.volume_id} was extended meanwhile. Repeat the request.")
    rpcapi.record(context=context, action=CREATE_IMAGE.name, server=row)
    return image.id


def check_agent(server: Server) -> bool:
    """Return whether the server's image insists on frozen file systems while its guest runs, as in Nova.

    Raises ImageUnusable (400) where no agent would freeze them. It is asked: not in a transaction.
    """
    if not image_properties.truth(server.image_properties.get("os_require_quiesce", "")):
        return False
    if server.vm_state != states.ACTIVE or server.task_state:
        return False
    if not (image_properties.has_guest_agent(server.image_properties) and guest_passwords.answers(server)):
        raise ImageUnusable(
            "The image of the server has os_require_quiesce, and no agent in its guest answers: its file systems "
            "cannot be frozen."
        )
    return True


def _snapshot(
    context: RequestContext, values: dict[str, Any], rows: "Mapping[uuid.UUID, Volume]"
) -> "Sequence[Snapshot]":
    try:
        return snapshots.create_all(
            context=context,
            rows=[rows[key] for key in values["ids"] if key in rows],
            values=values,
            attached_too=True,
        )
    except exceptions.OverLimit as error:
        raise Forbidden(error.message) from None


def _mapping(
    device: BlockDevice, keys: "Mapping[uuid.UUID, uuid.UUID]", rows: "Mapping[uuid.UUID, Volume]"
) -> dict[str, Any]:
    """Return a disk as the image names it (nova/block_device.py, snapshot_from_bdm)."""
    common = {
        "device_name": f"/dev/{device.device}", "disk_bus": device.bus or None,
        "device_type": "cdrom" if device.is_disc else "disk",
        "boot_index": device.boot_index, "tag": device.tag or None,
        "delete_on_termination": device.delete_on_termination, "image_id": None, "volume_id": None,
        "no_device": None,
    }  # fmt: skip
    if device.is_volume and device.volume_id is not None:
        source = {"source_type": "snapshot", "destination_type": "volume", "snapshot_id": str(keys[device.volume_id])}
        row = rows.get(device.volume_id)
        return {**common, **source, "volume_size": row.size if row is not None else None, "guest_format": None}
    return {
        **common, "source_type": "blank", "destination_type": "local", "snapshot_id": None, "boot_index": -1,
        "delete_on_termination": True, "volume_size": device.size, "guest_format": _KINDS.get(device.kind),
    }  # fmt: skip
