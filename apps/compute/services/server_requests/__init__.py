"""A request for servers: the body of POST /servers resolved and checked, part by part, before anything is written.

What the row keeps as the client sent it, the serializer has under ``row``. Each module here resolves one part of the
rest and returns the row's columns for it.
"""

import secrets
import string
import uuid
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.common.context import RequestContext
from apps.compute import admin_passwords, cpu_topologies, machine_features, pci_devices, states, topologies, tpms
from apps.compute.exceptions import SignatureOfVolume
from apps.compute.models import BlockDevice, Flavor, Server
from apps.compute.services import block_devices as block_device_services
from apps.compute.services.block_devices import RequestedDisk
from apps.compute.services.server_requests import (
    block_devices,
    boot_images,
    flavor,
    guest,
    image,
    image_mappings,
    limits,
    networks,
    placement,
    volumes,
)
from apps.compute.services.server_requests.volumes import RequestedVolume
from apps.networking.values import InterfacePermissions

if TYPE_CHECKING:
    from apps.images.models import Image

_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequest:
    """One to ``max_count`` servers of one kind.

    ``template`` is their row, not written; ``disks`` and ``volumes`` are those of each. ``admin_password`` is in clear.
    """

    template: Server
    disks: Sequence[RequestedDisk]
    volumes: Sequence[RequestedVolume] = ()
    admin_password: str = field(default="", repr=False)
    min_count: int = 1
    max_count: int = 1
    has_tpm: bool = False

    def rows(self, count: int) -> list[Server]:
        """Return the rows of ``count`` servers, not written: copies of the template with their own names."""
        reservation = "r-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
        # Only a config drive passes it to the guest.
        sealed = admin_passwords.seal(self.admin_password) if self.template.config_drive else ""
        rows = []
        for index in range(count):
            row = copy(self.template)
            row.id, row.launch_index, row.reservation_id, row.admin_password = uuid.uuid4(), index, reservation, sealed
            row.tpm_secret = tpms.new_secret() if self.has_tpm else ""
            row.created_at = row.updated_at = timezone.now()  # distinct: lists keep the servers in order
            if self.max_count > 1:
                row.name = f"{row.name}-{index + 1}"
                row.hostname = row.hostname and f"{row.hostname}-{index + 1}"
            row.hostname = row.hostname or guest.default_hostname(row.name)
            rows.append(row)
        return rows


def resolve(
    *, context: RequestContext, values: dict[str, Any], hints: dict[str, Any], permissions: InterfacePermissions
) -> ServerRequest:
    """Return what the validated body of POST /servers asks for.

    The front end has checked the rules of the body, and passes as ``permissions`` what those of networks allow. The
    only thing made is a project's automatic network. Raises BadRequest (400) naming the field, NotFound for a private
    flavor's id, PolicyForbidden (403) for an address that the caller may not choose, QuotaExceeded (403).
    """
    row = dict(values["row"])
    chosen = flavor.resolve(context, values["flavorRef"])
    block_devices.check_boot_order(values)
    values, named = _with_disks_of_image(context, values)
    requested_volumes = volumes.resolve(context, values) if block_devices.names_volumes(values) else []
    root_volume = volumes.root_of(requested_volumes)
    if root_volume is not None and row.get("trusted_image_certificates"):
        raise SignatureOfVolume(where="when booting from volume")
    row |= _image_columns(context, values, named, root_volume, chosen)
    row |= guest.key_columns(context, values.get("key_name"))
    row |= placement.columns(context, values, hints)
    row["config_drive"] = guest.has_config_drive(row.get("config_drive"), row["image_properties"])
    disks = _disks(values, chosen, row, has_root_volume=root_volume is not None)
    limits.check_items(context, row)
    row["security_groups"] = networks.groups(context, values)
    requested = networks.resolve(
        context, values.get("networks"), permissions, guest.hostname_of(row)
    )  # last: "auto" may make the project's own network
    limits.check_interfaces(requested or [], values["max_count"])
    row["root_device_name"] = _root_name(root_volume.bus if root_volume else disks[0].bus, row["image_properties"])
    row["requested_networks"] = None if requested is None else [network.to_row() for network in requested]
    template = _row(context, flavor=flavor.snapshot(chosen), has_volumes=bool(requested_volumes), **row)
    return ServerRequest(
        template=template,
        disks=disks,
        volumes=requested_volumes,
        admin_password=guest.password(values.get("adminPass")),
        min_count=values["min_count"],
        max_count=values["max_count"],
        has_tpm=_check_hardware(template),
    )


def _check_hardware(server: Server) -> bool:
    """Refuse machines that there cannot be (HardwareInvalid, 400); return whether it has a TPM."""
    topologies.of(server.flavor, server.image_properties)
    pci_devices.check(server.flavor["extra_specs"])
    cpu_topologies.of(server.flavor["extra_specs"], server.image_properties, int(server.flavor["vcpus"]))
    machine_features.of(server.flavor["extra_specs"], server.image_properties)
    return tpms.of(server.flavor["extra_specs"], server.image_properties) is not None


def _disks(
    values: dict[str, Any], chosen: Flavor, row: dict[str, Any], *, has_root_volume: bool
) -> list[RequestedDisk]:
    return block_devices.resolve(
        values,
        chosen,
        row["image_properties"],
        has_root_volume=has_root_volume,
        is_disc=row["image_facts"].get("disk_format") == image.DISC,
    )


def _root_name(bus: str, properties: dict[str, str]) -> str:
    return f"/dev/{block_device_services.names([BlockDevice(bus=bus)], properties)[0]}"


def _with_disks_of_image(context: RequestContext, values: dict[str, Any]) -> tuple[dict[str, Any], "Image | None"]:
    """Return the request with the disks that its image prescribes, and the image; without one, if a volume that the
    request names is the root disk.
    """
    if not values.get("imageRef"):
        return values, None
    named, own_root = image.find(context, values), block_devices.boots_from_volume(values)
    values = image_mappings.merged(values, named)
    block_devices.check_boot_order(values)
    return values, None if own_root else named


def _image_columns(
    context: RequestContext,
    values: dict[str, Any],
    named: "Image | None",
    root: RequestedVolume | None,
    chosen: Flavor,
) -> dict[str, Any]:
    """A server that boots from a volume has the properties of the image whose mappings name that, or the volume's."""
    if root is None:
        return image.columns(context, named or image.find(context, values), chosen)
    columns = volumes.image_columns(root, chosen)
    if named is not None:
        columns |= {"image_properties": image_mappings.properties_of(named)}
    return columns | {"image_facts": boot_images.resolve(context, columns["image_properties"])}


def _row(context: RequestContext, **columns: Any) -> Server:
    """Return a server's row at the begin of its build, not written."""
    return Server(
        project_id=str(context.project_id),
        user_id=str(context.user_id),
        vm_state=states.BUILDING,
        task_state=states.SCHEDULING,
        **columns,
    )
