"""Rebuild: a server keeps its id, host, ports and addresses, and gets new disks and other values of its row."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import admin_passwords
from apps.compute.actions import REBUILD
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import Flavor, Server
from apps.compute.services import server_actions, server_disks
from apps.compute.services.server_requests import guest, limits
from apps.compute.services.server_requests import image as images
from apps.scheduling.candidates import suiting


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The server as it will be, and its new password in clear."""

    server: Server
    admin_password: str = field(repr=False)


@transaction.atomic
def begin(*, context: RequestContext, server: Server, **values: Any) -> Rebuild:
    """Begin to rebuild a server as a validated body asks. The row keeps what is asked until the host is ready.

    Raises BadRequest and ImageUnusable (400) for an image that does not fit the flavor or the host, QuotaExceeded
    (403), WrongState and ServerLocked (409).
    """
    row = {**values.get("row", {}), **_image(context, server, values["imageRef"])}
    if "key_name" in values:
        row |= {"key_name": None, "public_key": "", **guest.key_columns(context, values["key_name"])}
    limits.check_items(context, row)
    password = guest.password(values.get("adminPass"))
    server_actions.begin(context=context, server=server, action=REBUILD)
    row["admin_password"] = admin_passwords.seal(password) if server.config_drive else ""
    server_disks.keep_rebuild(server_id=server.id, row=row)
    server.refresh_from_db()
    for name, value in row.items():
        setattr(server, name, value)
    return Rebuild(server, password)


def _image(context: RequestContext, server: Server, image_ref: str) -> dict[str, Any]:
    if server.image_id is None:
        raise BadRequest("This cloud does not offer to rebuild servers that boot from volumes.")
    flavor = Flavor(ram_mib=int(server.flavor["ram"]), disk_gib=int(server.flavor["disk"]))
    columns = images.columns_of(context, image_ref, images.FIELD, flavor)
    lacking = suiting.shortfall(host=server.host, image_properties=columns["image_properties"])
    if lacking:
        raise ImageUnusable(f"The host of the server {lacking}. Choose another image, or correct its properties.")
    return {**columns, "image_id": str(columns["image_id"])}
