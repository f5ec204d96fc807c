"""Resolving a create request: image, flavor, key, zone, networks. Only the project's automatic network is ever made."""

import base64
import binascii
import uuid
from typing import Any

from django.conf import settings

from apps.common import policy
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.compute import admin_passwords, image_properties
from apps.compute.exceptions import FlavorNotFound, ImageUnusable, KeyPairNotFound, ServerGroupNotFound
from apps.compute.models import Flavor
from apps.compute.selectors import flavors, keypairs, request_specs, server_groups
from apps.compute.services import block_devices
from apps.compute.services.servers import ServerRequest
from apps.images.selectors import images
from apps.networking.services import quotas as quota_services
from apps.networking.services import requested_networks, security_groups
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits
from apps.scheduling.filters import json_query, variables
from apps.scheduling.selectors import hosts

GIB = 1024**3
MAX_USER_DATA = 65535  # characters of base64, as in Nova
BOOTABLE = ("qcow2", "raw")
SEES_HOSTS = "os_compute_api:os-extended-server-attributes"


def resolve(*, context: RequestContext, values: dict[str, Any], hints: dict[str, Any]) -> ServerRequest:
    """Return the server request of a validated body.

    Raises BadRequest (400) naming the field, NotFound for a private flavor's id, QuotaExceeded (403).
    """
    _check_query(context, hints)
    flavor = _flavor(context, values["flavorRef"])
    image = _image(context, values)
    properties = {key: str(value) for key, value in (image.properties if image is not None else {}).items()}
    if image is not None:
        _check_size(image, flavor)
        image_properties.check(properties)
    key = _key(context, values.get("key_name"))
    zone, host = _place(context, values)
    disks = block_devices.resolve(values.get("block_device_mapping_v2") or [], flavor, properties)
    metadata = values.get("metadata") or {}
    _check_counts(context, metadata, values)
    groups = _groups(context, values)
    # Last: "auto" may make the project's own network.
    requested = _networks(context, values.get("networks"))
    _check_many(context, requested or [], int(values.get("max_count") or 1))
    return ServerRequest(
        name=values["name"].strip(),
        flavor=flavor,
        image_id=image.id if image is not None else None,
        image_properties=properties,
        image_facts=_facts(image),
        disks=disks,
        hostname=values.get("hostname") or "",
        description=values.get("description"),
        key_name=key.name if key else None,
        public_key=key.public_key if key else "",
        user_data=_user_data(values.get("user_data")),
        admin_password=_admin_password(values),
        config_drive=bool(values.get("config_drive"))
        or settings.FORCE_CONFIG_DRIVE
        or properties.get("img_config_drive") == "mandatory",
        metadata=metadata,
        tags=sorted(set(values.get("tags") or [])),
        personality=values.get("personality") or [],
        requested_networks=requested,
        security_groups=groups,
        scheduler_hints=hints,
        group_id=_server_group(context, hints),
        zone=zone,
        host=host,
        access_ip_v4=values.get("accessIPv4") or None,
        access_ip_v6=values.get("accessIPv6") or None,
        disk_config=values.get("OS-DCF:diskConfig") or "MANUAL",
    )


def _flavor(context: RequestContext, ref: str) -> Flavor:
    flavor_id = ref.rstrip("/").rsplit("/", 1)[-1]  # old clients send the flavor's URL
    try:
        flavor = flavors.get(context=context, flavor_id=flavor_id)
    except FlavorNotFound as error:
        raise BadRequest(f"Invalid input for field/attribute flavorRef: {error.message}") from error
    if flavor.disabled:
        raise BadRequest(f"Invalid input for field/attribute flavorRef: flavor {flavor_id} is disabled.")
    return flavor


def _image(context: RequestContext, values: dict[str, Any]) -> Any:
    """Return the image's row, or None for a server without an image (which needs a volume: not offered yet)."""
    ref = values.get("imageRef") or ""
    ids = {mapping["uuid"] for mapping in values.get("block_device_mapping_v2") or [] if mapping.get("uuid")}
    if ids and ref and ids != {ref.rsplit("/", 1)[-1]}:
        raise BadRequest(
            "Invalid input for field/attribute block_device_mapping_v2: it names another image than imageRef."
        )
    chosen = ref.rstrip("/").rsplit("/", 1)[-1] or (ids.pop() if ids else "")
    if not chosen:
        raise BadRequest("Invalid input for field/attribute imageRef: an image is required.")
    key = parse_uuid(chosen)
    if key is None:
        raise BadRequest(f"Invalid input for field/attribute imageRef: '{chosen[:64]}' is not a 'uuid'")
    try:
        image = images.get_visible(context=context, image_id=key)
    except NotFound as error:
        raise BadRequest(f"Invalid input for field/attribute imageRef: Image {key} could not be found.") from error
    if image.status != "active":
        raise ImageUnusable(f"Image {key} is not active: it is {image.status}.")
    if image.disk_format not in BOOTABLE:
        raise ImageUnusable(
            f"Image {key} cannot be booted: its disk_format is {image.disk_format}. "
            "Servers boot from qcow2 and raw; convert the image first."
        )
    if image.size == 0:
        raise ImageUnusable(f"Image {key} cannot be booted: it has no data.")
    return image


def _facts(image: Any) -> dict[str, Any]:
    """Return the image's data that hosts need. Sizes in bytes, ``min_disk`` in GiB."""
    if image is None:
        return {}
    return {
        "sha512": image.os_hash_value,
        "size": image.size,
        "disk_format": image.disk_format,
        "virtual_size": image.virtual_size,
        "min_disk": image.min_disk,
    }


def _check_size(image: Any, flavor: Flavor) -> None:
    if image.min_ram and flavor.ram_mib < image.min_ram:
        raise ImageUnusable(
            f"Flavor's memory is too small for requested image: {flavor.ram_mib} MiB < {image.min_ram} MiB."
        )
    if flavor.disk_gib == 0:
        return  # the root disk is as large as the image
    need = max(image.virtual_size or image.size or 0, (image.min_disk or 0) * GIB)
    if flavor.disk_gib * GIB < need:
        raise ImageUnusable(
            f"Flavor's disk is too small for requested image. Flavor disk is {flavor.disk_gib * GIB} bytes, "
            f"image is {need} bytes."
        )


def _key(context: RequestContext, name: str | None) -> Any:
    if name is None:
        return None
    try:
        return keypairs.get(user_id=str(context.user_id), name=name)
    except KeyPairNotFound as error:
        raise BadRequest(f"Invalid key_name provided. {error.message}") from error


def _place(context: RequestContext, values: dict[str, Any]) -> tuple[str, str]:
    """Return (zone, host): ``zone:host:node`` and the fields host and hypervisor_hostname are for administrators.

    A host has one node, with the same name.
    """
    zone, *named = (values.get("availability_zone") or "").split(":")
    if len(named) > 2:
        raise BadRequest("Invalid input received: Unable to parse availability_zone")
    wanted = [values.get("host"), values.get("hypervisor_hostname")]
    if any(wanted) and named:
        raise BadRequest(
            "One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are "
            "mutually exclusive."
        )
    names = {name for name in (*wanted, *named) if name}
    if len(names) > 1:
        raise BadRequest("Invalid input for field/attribute hypervisor_hostname: it is no node of this host.")
    host = names.pop() if names else ""
    if host:
        rule = "requested_destination" if any(wanted) else "forced_host"
        policy.check(context, f"os_compute_api:servers:create:{rule}")
        try:
            hosts.get(name=host)
        except NotFound as error:
            raise BadRequest(f"Invalid input for field/attribute host: {error.message}") from error
    if zone and not hosts.zone_exists(zone=zone):
        raise BadRequest("The requested availability zone is not available")
    return zone, host


def _check_query(context: RequestContext, hints: dict[str, Any]) -> None:
    """Hosts' names and load are for those who may see hosts: queries could reveal them."""
    inner = {name for name in json_query.asked_by(request_specs.query_of(hints) or ()) if name in variables.INNER}
    if inner and not policy.allowed(context, SEES_HOSTS):
        told, others = (", ".join(f"${name}" for name in sorted(names)) for names in (inner, variables.OPEN))
        raise BadRequest(
            f"Invalid input for field/attribute os:scheduler_hints.query: only administrators may ask by {told}. "
            f"Others may ask by {others}."
        )


def _server_group(context: RequestContext, hints: dict[str, Any]) -> uuid.UUID | None:
    """A server's group must be in its project."""
    if not hints.get("group"):
        return None
    try:
        group = server_groups.get(context=context, group_id=hints["group"])
    except ServerGroupNotFound as error:
        raise BadRequest(error.message) from error
    if group.project_id != context.project_id:
        raise BadRequest(ServerGroupNotFound(group=group.id).message)
    return group.id


def _user_data(text: str | None) -> str:
    if not text:
        return ""
    if len(text) > MAX_USER_DATA:
        raise BadRequest(f"Invalid input for field/attribute user_data: it is longer than {MAX_USER_DATA} characters.")
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Invalid input for field/attribute user_data: it is not valid base64.") from None
    return "".join(text.split())


def _admin_password(values: dict[str, Any]) -> str:
    """Return the administrator's password: the given one, or a new one if the answer shows it."""
    given = str(values.get("adminPass") or "")
    return given or (admin_passwords.generate() if settings.ENABLE_INSTANCE_PASSWORD else "")


def _networks(context: RequestContext, wanted: Any) -> list[dict[str, Any]] | None:
    """Return the networks for the server's row, or None without networks."""
    if wanted == "none":
        return None
    if wanted == "auto" or not wanted:
        found = [requested_networks.automatic(context=context)]
    else:
        found = list(
            requested_networks.resolve(
                context=context,
                requested=[
                    {
                        "network_id": one.get("uuid"),
                        "port_id": one.get("port"),
                        "fixed_ip": one.get("fixed_ip"),
                        "tag": one.get("tag"),
                    }
                    for one in wanted
                ],
            )
        )
    return [
        {
            "network_id": str(one.network_id),
            "port_id": str(one.port_id) if one.port_id else None,
            "fixed_ip": one.fixed_ip,
            "tag": one.tag,
        }
        for one in found
        if one is not None
    ]


def _check_many(context: RequestContext, requested: list[dict[str, Any]], count: int) -> None:
    """Several servers cannot share a port or an address; many ports each are bounded by the ports' quota."""
    if count > 1 and any(one["port_id"] for one in requested):
        raise BadRequest("Unable to launch multiple instances with a single configured port ID.")
    if count > 1 and any(one["fixed_ip"] for one in requested):
        raise BadRequest("Invalid fixed IP: several instances cannot have the same one.")
    if len(requested) > 1:
        quota_services.check_ports(project_id=str(context.project_id), adding=len(requested) * count)


def _groups(context: RequestContext, values: dict[str, Any]) -> list[str]:
    wanted = [one["name"] for one in values.get("security_groups") or []]
    if not wanted or values.get("networks") == "none":
        return []
    try:
        found = security_groups.resolve(context=context, names_or_ids=list(dict.fromkeys(wanted)))
    except NotFound as error:
        raise BadRequest(f"Invalid input for field/attribute security_groups: {error.message}") from error
    return [str(uuid.UUID(str(one))) for one in found]


def _check_counts(context: RequestContext, metadata: dict[str, str], values: dict[str, Any]) -> None:
    """Limits per server: metadata items and injected files."""
    personality = values.get("personality") or []
    if not metadata and not personality:
        return
    allowed = limits.of_owner(owner_id=str(context.project_id))
    asked = {"metadata_items": len(metadata), "injected_files": len(personality)}
    for resource, count in asked.items():
        if 0 <= allowed[resource] < count:
            raise QuotaExceeded(resource=resource, requested=count, used=0, allowed=allowed[resource])
    for one in personality:
        size = len(base64.b64decode(one["contents"]))
        if 0 <= allowed["injected_file_content_bytes"] < size:
            limit = allowed["injected_file_content_bytes"]
            raise QuotaExceeded(resource="injected_file_content_bytes", requested=size, used=0, allowed=limit)
