"""Rescue: a server boots from another image's disk, with its own disks beside it."""

from typing import Any

from django.conf import settings
from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import admin_passwords, image_properties
from apps.compute.actions import RESCUE
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import Server
from apps.compute.services import root_volumes, server_actions, server_disks
from apps.compute.services.server_requests import guest
from apps.compute.services.server_requests import image as images

FIELD = "Invalid input for field/attribute rescue_image_ref"


@transaction.atomic
def begin(
    *,
    context: RequestContext,
    server: Server,
    image_ref: str | None = None,
    admin_password: str | None = None,
    volume_backed: bool = True,
) -> str | None:
    """Begin a rescue with the image, or with the server's. Returns the password that the guest finds on its config
    drive; None if answers show none.

    ``volume_backed``: also of a server that boots from a volume (2.87). Raises BadRequest and ImageUnusable (400),
    WrongState and ServerLocked (409).
    """
    if not volume_backed and root_volumes.of(server) is not None:
        raise BadRequest(f"Instance {server.id} cannot be rescued: Cannot rescue a volume-backed instance")
    rescue = _image(context, server, image_ref)
    password = guest.password(admin_password)
    server_actions.begin(context=context, server=server, action=RESCUE)
    sealed = admin_passwords.seal(password) if server.config_drive else ""
    server_disks.keep_rescue(server_id=server.id, rescue=rescue, admin_password=sealed)
    return password if settings.ENABLE_INSTANCE_PASSWORD else None


def _image(context: RequestContext, server: Server, image_ref: str | None) -> dict[str, Any]:
    """Return the server's ``rescue``. Its own image is used as the server knows it, even if it was deleted."""
    if image_ref:
        chosen = images.columns_of(context, image_ref, FIELD)
    elif server.image_id is not None:
        chosen = {name: getattr(server, name) for name in ("image_id", "image_facts", "image_properties")}
    else:
        raise ImageUnusable(f"Instance {server.id} has no image: name one to rescue it with.")
    image_properties.check_rescue(chosen["image_properties"], server.image_properties)
    device, _ = image_properties.rescue_device(chosen["image_properties"], server.image_properties)
    if server.image_id is None and device is None:
        raise ImageUnusable(
            "A server that boots from a volume is rescued with an image that has hw_rescue_device or hw_rescue_bus."
        )
    return {**chosen, "image_id": str(chosen["image_id"])}
