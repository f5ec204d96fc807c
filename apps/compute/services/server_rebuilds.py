"""Rebuild: a server keeps its id, host, ports and addresses, and gets new disks and other values of its row."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apps.common.context import RequestContext
from apps.compute import admin_passwords, cpu_topologies, machine_features, topologies, tpms
from apps.compute.actions import REBUILD
from apps.compute.exceptions import ImageUnusable, SignatureOfVolume
from apps.compute.models import Flavor, Server
from apps.compute.services import root_volumes, server_actions, server_disks
from apps.compute.services.server_requests import guest, limits
from apps.compute.services.server_requests import image as images
from apps.scheduling.candidates import suiting
from apps.volumes import states as volume_states


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The server as it will be, and its new password in clear."""

    server: Server
    admin_password: str = field(repr=False)


@transaction.atomic
def begin(*, context: RequestContext, server: Server, reimage: bool = True, **values: Any) -> Rebuild:
    """Begin to rebuild a server as a validated body asks. The row keeps what is asked until the host is ready.

    ``reimage``: a root disk that is a volume gets the image (2.93); else it keeps its content, and another image is
    refused. Raises BadRequest and ImageUnusable (400) for an image that does not fit the flavor, the volume or the
    host, QuotaExceeded (403), WrongState and ServerLocked (409).
    """
    root = root_volumes.of(server)
    if root is not None and values.get("row", {}).get("trusted_image_certificates"):
        raise SignatureOfVolume(where="for volume-backed servers.")
    image = _image(context, server, values["imageRef"], has_root_volume=root is not None)
    params: dict[str, Any] = {}
    where: dict[str, Any] = {}
    if root is not None:
        image, params = root_volumes.columns(root, image, reimage=reimage)
    if root is not None and params:
        where = {"also": [(volume_states.SUBJECT, root.id)], "variant": REBUILD.variants[0]}
    row = {**values.get("row", {}), **image}
    if "key_name" in values:
        row |= {"key_name": None, "public_key": "", **guest.key_columns(context, values["key_name"])}
    limits.check_items(context, row)
    password = guest.password(values.get("adminPass"))
    server_actions.begin(context=context, server=server, action=REBUILD, **where, **params)
    row["admin_password"] = admin_passwords.seal(password) if server.config_drive else ""
    server_disks.keep_rebuild(server_id=server.id, row=row)
    server.refresh_from_db()
    for name, value in row.items():
        setattr(server, name, value)
    return Rebuild(server, password)


def _image(context: RequestContext, server: Server, image_ref: str, *, has_root_volume: bool) -> dict[str, Any]:
    flavor = Flavor(ram_mib=int(server.flavor["ram"]), disk_gib=0 if has_root_volume else int(server.flavor["disk"]))
    columns = images.columns_of(context, image_ref, images.FIELD, flavor)
    formats = [facts.get("disk_format") for facts in (columns["image_facts"], server.image_facts)]
    if not has_root_volume and (formats[0] == images.DISC) != (formats[1] == images.DISC):
        raise ImageUnusable("A server is not rebuilt from a disc's image to a disk's, or the reverse: create it again.")
    # What an existing server asks for by its flavor and its own image may be refused today.
    is_same = columns["image_properties"] == server.image_properties
    tpm_of = tpms.of_existing if is_same else tpms.of
    has_tpm = tpm_of(server.flavor.get("extra_specs") or {}, columns["image_properties"]) is not None
    if has_tpm and not server.tpm_secret:
        columns["tpm_secret"] = tpms.new_secret()
    if not is_same:
        specs = server.flavor.get("extra_specs") or {}
        cpu_topologies.of(specs, columns["image_properties"], int(server.flavor["vcpus"]))
        machine_features.of(specs, columns["image_properties"])
    topology = topologies.of_existing(server.flavor, server.image_properties)
    if not is_same and topologies.of(server.flavor, columns["image_properties"]) != topology:
        raise ImageUnusable(
            "An instance's NUMA topology cannot be changed as part of a rebuild. The image provided is invalid for "
            "this instance."
        )
    lacking = suiting.shortfall(host=server.host, image_properties=columns["image_properties"])
    if lacking:
        raise ImageUnusable(f"The host of the server {lacking}. Choose another image, or correct its properties.")
    return {**columns, "image_id": str(columns["image_id"])}
