"""A server's rows as the domain that a host defines, with its disks made."""

import itertools
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from apps.compute import image_properties
from apps.compute.selectors import servers as selectors
from apps.networking.selectors import bindings
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import Bus, DiskBacking, DiskSpec, InterfaceSpec, ServerSpec
from workers.drivers.network.base import INTEGRATION_BRIDGE, PortSpec
from workers.drivers.storage.base import CachedImage, Disk
from workers.drivers.storage.errors import FilesMissing
from workers.mapping import boot_files, config_drives, devices, hardware, images, networks, volumes

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server


def prepare(server: "Server", drivers: HostDrivers, rows: "Sequence[BlockDevice] | None" = None) -> ServerSpec:
    """Create the server's missing disks, open its volumes, write its config drive, and return its spec.

    ``rows``: its disks, if not those that are recorded.

    Raises what the storage driver raises; disks that were made before are left alone.
    """
    ports = bindings.specs_for_server(server_id=server.id)
    plugs = [networks.port_spec(port) for port in ports]
    rows, disks = _make_all(server, selectors.block_devices(server_id=server.id) if rows is None else rows, drivers)
    interfaces = [interface_of(server, drivers, port) for port in plugs]
    has_tags = devices.has_tags(server, rows)

    def write(addresses: Mapping[str, str]) -> Disk | None:
        tagged = devices.of_server(server, rows, disks[: len(rows)], plugs, addresses)
        if has_tags:
            devices.record(drivers.paths, str(server.id), tagged)
        if not server.config_drive:
            return None
        files = config_drives.files_of(config_drives.bundle(server, ports, rows, tagged))
        return drivers.storage.create_config_drive(str(server.id), files)

    if drive := write({}):
        disks.append(_config_drive(server, drive, disks))
    # The documents name the addresses of tagged devices, which the hypervisor chooses.
    on_addresses = write if has_tags else None
    spec = spec_of(server, drivers, tuple(disks), tuple(interfaces))
    return replace(boot_files.of_server(spec, server, drivers), on_addresses=on_addresses)


def spec_of(
    server: "Server", drivers: HostDrivers, disks: tuple[DiskSpec, ...], interfaces: tuple[InterfaceSpec, ...]
) -> ServerSpec:
    """Return the domain of a server with the given disks and cards."""
    return ServerSpec(
        id=str(server.id),
        name=server.domain_name,
        display_name=server.name,
        project_id=server.project_id,
        user_id=server.user_id,
        flavor_name=str(server.flavor["original_name"]),
        vcpus=int(server.flavor["vcpus"]),
        ram_mib=int(server.flavor["ram"]),
        disks=disks,
        interfaces=interfaces,
        console_log=str(drivers.paths.console_log(str(server.id))),
        instance_dir=str(drivers.paths.instance(str(server.id))),
        hardware=hardware.of_server(server, disks),
    )


def _make_all(
    server: "Server", rows: "Sequence[BlockDevice]", drivers: HostDrivers
) -> "tuple[list[BlockDevice], list[DiskSpec]]":
    """Make the local disks that are missing, and open the exports of the volumes. Volumes on their way are left out."""
    ephemeral, disks = itertools.count(), []
    attached = {row.id: row for row in volumes.of_server(server.id)} if any(row.is_volume for row in rows) else {}
    rows = [row for row in rows if not row.is_volume or row.attachment_id in attached]
    for row in rows:
        if row.is_volume and row.attachment_id is not None:
            attachment = attached[row.attachment_id]
            export = volumes.connect(attachment, drivers)
            boot_index = None if row.boot_index is None else row.boot_index + 1
            bus = hardware.bus_of(server, row)
            disk = volumes.disk_spec(attachment, export, bus=bus, boot_index=boot_index)
            disks.append(replace(disk, device="cdrom", readonly=True) if row.is_disc else disk)
        else:
            disks.append(_disk(server, row, _make(server, row, drivers, ephemeral), drivers))
    return rows, disks


def _make(server: "Server", device: "BlockDevice", drivers: HostDrivers, ephemeral: Iterator[int]) -> Disk:
    storage, key = drivers.storage, str(server.id)
    if device.kind == "swap":
        return storage.create_swap(key, device.size)
    if device.kind == "ephemeral":
        return storage.create_ephemeral(key, next(ephemeral), device.size)
    try:
        return storage.root(key)  # whatever image it was made of
    except FilesMissing:
        size = 0 if _is_disc(server, device) else device.size
        return storage.create_root(key, _cached(server, drivers), size)


def _is_disc(server: "Server", device: "BlockDevice") -> bool:
    """Whether the root disk is a disc, in a drive: that of an ISO image."""
    return device.kind == "root" and server.image_facts.get("disk_format") == "iso"


def _cached(server: "Server", drivers: HostDrivers) -> CachedImage | None:
    if server.image_id is None:
        return None
    return drivers.storage.cache_image(*images.of_server(server))


def place_of(made: Disk, drivers: HostDrivers) -> dict[str, Any]:
    """Return where the hypervisor has a disk: the fields of its spec."""
    if not made.in_pool:
        return {"path": made.path, "format": made.format}
    return {"path": "", "format": "raw", "export": volumes.cluster_source(drivers.storage.guest_disk(made))}


def _disk(server: "Server", device: "BlockDevice", made: Disk, drivers: HostDrivers) -> DiskSpec:
    backing = None
    if made.backing_path and made.backing_format:
        backing = DiskBacking(path=made.backing_path, format=made.backing_format)
    is_disc = _is_disc(server, device)
    return DiskSpec(
        target=device.device or "vda",
        device="cdrom" if is_disc else "disk",
        readonly=is_disc,
        **place_of(made, drivers),
        boot_index=1 if device.kind == "root" else None,
        serial=devices.serial_of(device),
        backing=backing,
        bus=hardware.bus_of(server, device),
        limits=() if is_disc else hardware.limits_of(server),
    )


def _config_drive(server: "Server", drive: Disk, disks: Sequence[DiskSpec]) -> DiskSpec:
    """A CD-ROM; guests look for its label. A server from before its name was kept free has a disk of that name."""
    bus, target = image_properties.config_drive(server.image_properties)
    taken = {disk.target for disk in disks}
    if target in taken:
        target = next(name for letter in string.ascii_lowercase if (name := f"{target[:2]}{letter}") not in taken)
    return DiskSpec(target=target, path=drive.path, format="iso", device="cdrom", readonly=True, bus=cast(Bus, bus))


def interface_of(server: "Server", drivers: HostDrivers, port: PortSpec) -> InterfaceSpec:
    """Return a port as the card that the server has of it."""
    return InterfaceSpec(
        port_id=port.id,
        mac=port.mac,
        tap=port.tap,
        bridge=INTEGRATION_BRIDGE,
        openvswitch=True,
        routers=port.routers,
        offloads=drivers.network.guest_offloads(),
        mtu=port.mtu,
        model=hardware.card_of(server),
        queues=hardware.queues_of(server),
    )
