"""Documents of servers, with the microversions of each field."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from apps.common import microversions
from apps.common.api.documents import microseconds, seconds
from apps.common.microversions import Range, Version, since
from apps.compute import image_properties, states
from apps.compute.api.documents import base
from apps.compute.models import BlockDevice, Server
from apps.networking.values import ServerAddress

# Fields that a version lacks are left out; unlisted fields belong to all versions.
FIELDS: dict[str, Range] = {
    "OS-EXT-SRV-ATTR:reservation_id": since("2.3"),
    "OS-EXT-SRV-ATTR:launch_index": since("2.3"),
    "OS-EXT-SRV-ATTR:hostname": since("2.3"),
    "OS-EXT-SRV-ATTR:kernel_id": since("2.3"),
    "OS-EXT-SRV-ATTR:ramdisk_id": since("2.3"),
    "OS-EXT-SRV-ATTR:root_device_name": since("2.3"),
    "OS-EXT-SRV-ATTR:user_data": since("2.3"),
    "locked": since("2.9"),
    "host_status": since("2.16"),
    "description": since("2.19"),
    "tags": since("2.26"),
    "trusted_image_certificates": since("2.63"),
    "server_groups": since("2.71"),
    "locked_reason": since("2.73"),
    "pinned_availability_zone": since("2.96"),
    "scheduler_hints": since("2.100"),
}
ADMIN_FIELDS = (
    "OS-EXT-SRV-ATTR:host",
    "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
    "OS-EXT-SRV-ATTR:reservation_id",
    "OS-EXT-SRV-ATTR:launch_index",
    "OS-EXT-SRV-ATTR:kernel_id",
    "OS-EXT-SRV-ATTR:ramdisk_id",
    "OS-EXT-SRV-ATTR:root_device_name",
    "OS-EXT-SRV-ATTR:user_data",
)
# Below 2.75, PUT shows a part of GET's fields (nova/api/openstack/compute/servers.py, update).
WHOLE_AFTER_UPDATE = since("2.75")
NOT_AFTER_UPDATE = (
    "OS-EXT-AZ:availability_zone",
    "config_drive",
    "key_name",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "security_groups",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state",
    "OS-EXT-STS:power_state",
    "os-extended-volumes:volumes_attached",
    *(name for name in ADMIN_FIELDS),
    "host_status",
    "OS-EXT-SRV-ATTR:hostname",
)
# The statuses for which Nova shows a progress. Of those that are made again nobody knows how far they are.
PROGRESS_STATUSES = ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING")
WITHOUT_MEASURE = ("REBUILD", "RESIZE")
HOSTNAME_FOR_ALL = since("2.90")
IMAGE_PROPERTIES = since("2.98")
EMBEDDED_FLAVOR = since("2.47")
VOLUMES_SAY_MORE = since("2.3")  # whether they are deleted with the server

Addresses = Mapping[uuid.UUID, Sequence[ServerAddress]]
Groups = Mapping[uuid.UUID, Sequence[str]]
Volumes = Mapping[uuid.UUID, Sequence[BlockDevice]]


class Renderer:
    """Renders servers for one request; values that do not depend on the server are computed once."""

    def __init__(self, *, request: HttpRequest, version: Version, admin: bool, update: bool = False) -> None:
        links = base.Links(request)
        self.links, self.bookmark = links.of, links.bookmark
        self.version = version
        self.hidden = set(microversions.hidden(FIELDS, version))
        if not admin:
            self.hidden |= set(ADMIN_FIELDS)
        if not admin and version not in HOSTNAME_FOR_ALL:
            self.hidden.add("OS-EXT-SRV-ATTR:hostname")
        self.extended_addresses = not update or version in WHOLE_AFTER_UPDATE
        if not self.extended_addresses:
            self.hidden |= set(NOT_AFTER_UPDATE)
        self.embedded = version in EMBEDDED_FLAVOR
        self.image_properties = version in IMAGE_PROPERTIES
        self.volumes_say_more = version in VOLUMES_SAY_MORE

    def render_brief(self, server: Server) -> dict[str, Any]:
        key = str(server.id)
        return {"id": key, "name": server.name, "links": self.links("servers", key)}

    def render(
        self,
        server: Server,
        *,
        addresses: Addresses,
        groups: Groups,
        volumes: Volumes,
        show: bool = False,
        host_status: str | None = None,
    ) -> dict[str, Any]:
        ports = addresses.get(server.id, ())
        document = {
            **self.render_brief(server),
            "status": server.status,
            "tenant_id": server.project_id,
            "user_id": server.user_id,
            "metadata": server.metadata,
            "hostId": base.hashed_host(project_id=server.project_id, host=server.host),
            "image": self._image(server),
            "flavor": self._flavor(server),
            "created": seconds(server.created_at),
            "updated": seconds(server.updated_at),
            "addresses": addresses_of(ports, extended=self.extended_addresses),
            "accessIPv4": server.access_ip_v4 or "",
            "accessIPv6": server.access_ip_v6 or "",
            **_extensions(server, host_status),
            "os-extended-volumes:volumes_attached": [self._volume(row) for row in volumes.get(server.id, ())],
        }
        if show and "OS-EXT-SRV-ATTR:user_data" not in self.hidden:
            document["OS-EXT-SRV-ATTR:user_data"] = server.user_data or None
        document |= self._at_times(server, show)
        names = _group_names(ports, groups)
        if names:
            document["security_groups"] = names
        if not show:
            document.pop("server_groups", None)
        if host_status is None:  # the caller may not know it
            document.pop("host_status", None)
        return microversions.without(document, self.hidden)

    def _at_times(self, server: Server, show: bool) -> dict[str, Any]:
        """Return what servers have in some states only."""
        document: dict[str, Any] = {}
        if server.status in PROGRESS_STATUSES:
            document["progress"] = 0 if server.status in WITHOUT_MEASURE else server.progress
        if server.vm_state == states.ERROR and server.fault_message:
            document["fault"] = self._fault(server, show)
        return document

    def _volume(self, device: BlockDevice) -> dict[str, Any]:
        key: dict[str, Any] = {"id": str(device.volume_id)}
        return key | {"delete_on_termination": device.delete_on_termination} if self.volumes_say_more else key

    def _image(self, server: Server) -> Any:
        if server.image_id is None:
            return ""
        key = str(server.image_id)
        image: dict[str, Any] = {"id": key, "links": [{"rel": "bookmark", "href": f"{self.bookmark}/images/{key}"}]}
        if self.image_properties:
            image["properties"] = image_properties.shown(server.image_properties)
        return image

    def _flavor(self, server: Server) -> dict[str, Any]:
        flavor = server.flavor
        if self.embedded:
            return {
                key: flavor[key]
                for key in ("vcpus", "ram", "disk", "ephemeral", "swap", "original_name", "extra_specs")
            }
        key = str(flavor["id"])
        return {"id": key, "links": [{"rel": "bookmark", "href": f"{self.bookmark}/flavors/{key}"}]}

    def _fault(self, server: Server, show: bool) -> dict[str, Any]:
        fault = {
            "code": server.fault_code or 500,
            "message": server.fault_message,
            "created": seconds(server.fault_at or server.updated_at),
        }
        if show and "OS-EXT-SRV-ATTR:host" not in self.hidden:
            fault["details"] = server.fault_details
        return fault


def _extensions(server: Server, host_status: str | None) -> dict[str, Any]:
    """Return what Nova's extensions and later microversions added to a server."""
    return {
        "OS-DCF:diskConfig": server.disk_config,
        "OS-EXT-AZ:availability_zone": server.zone,
        "config_drive": "True" if server.config_drive else "",
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": microseconds(server.launched_at),
        "OS-SRV-USG:terminated_at": microseconds(server.deleted_at),
        "OS-EXT-STS:task_state": server.task_state or None,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": server.power_state,
        "OS-EXT-SRV-ATTR:host": server.host or None,
        "OS-EXT-SRV-ATTR:instance_name": server.domain_name,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host or None,
        "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
        "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
        "OS-EXT-SRV-ATTR:hostname": server.hostname,
        "OS-EXT-SRV-ATTR:kernel_id": _boot_image(server, "kernel"),
        "OS-EXT-SRV-ATTR:ramdisk_id": _boot_image(server, "ramdisk"),
        "OS-EXT-SRV-ATTR:root_device_name": server.root_device_name or None,
        "OS-EXT-SRV-ATTR:user_data": None,
        "locked": server.locked,
        "host_status": host_status,
        "description": server.description,
        "tags": server.tags,
        "trusted_image_certificates": server.trusted_image_certificates,
        "server_groups": [str(server.group_id)] if server.group_id else [],
        "locked_reason": server.locked_reason,
        "pinned_availability_zone": server.requested_zone or None,
        "scheduler_hints": server.scheduler_hints,
    }


def _boot_image(server: Server, part: str) -> str:
    """Return the id of the image that the server's kernel or ramdisk is from."""
    return str(server.image_facts.get(part, {}).get("image_id", ""))


def addresses_of(ports: Sequence[ServerAddress], *, extended: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Return network name -> addresses, a fixed one before its floating ones; ``extended`` with kind and MAC."""
    addresses: dict[str, list[dict[str, Any]]] = {}
    for port in ports:
        entries = addresses.setdefault(port.network_name, [])
        for kind, version, ip in (("fixed", port.version, port.ip), *(("floating", 4, ip) for ip in port.floating_ips)):
            entry: dict[str, Any] = {"version": version, "addr": ip}
            if extended:
                entry |= {"OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port.mac}
            entries.append(entry)
    return addresses


def _group_names(ports: Sequence[ServerAddress], groups: Groups) -> list[dict[str, str]]:
    return [{"name": name} for port_id in dict.fromkeys(p.port_id for p in ports) for name in groups.get(port_id, ())]
