"""A server's rows as the domain that a host defines, with its disks made."""

from typing import Any

from apps.compute.selectors import servers as selectors
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import DiskBacking, DiskSpec, InterfaceSpec, ServerSpec
from workers.drivers.network.base import NetworkSpec, PortSpec
from workers.drivers.storage.base import CachedImage, Disk
from workers.mapping import config_drives, images, networks


def prepare(server: Any, drivers: HostDrivers) -> ServerSpec:
    """Make the server's disks where they are missing, write its config drive, and return its spec.

    Raises what the storage driver raises; disks that were made before are left alone.
    """
    plugs = networks.plugs_of(server.id)
    disks = [
        _disk(device, made, boot=device.kind == "root")
        for device in selectors.block_devices(server_id=server.id)
        for made in [_make(server, device, drivers)]
    ]
    if server.config_drive:
        drive = drivers.storage.create_config_drive(str(server.id), config_drives.files_of(server, plugs))
        # A virtio disk, not a SATA CD-ROM: Debian's cloud kernel has no AHCI, and guests look for the label anyway.
        disks.append(DiskSpec(target="vdz", path=drive.path, format="iso", readonly=True))
    return spec_of(server, drivers, tuple(disks), plugs)


def spec_of(
    server: Any, drivers: HostDrivers, disks: tuple[DiskSpec, ...], plugs: list[tuple[NetworkSpec, PortSpec]]
) -> ServerSpec:
    """Return the domain of a server with the given disks and ports."""
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
        interfaces=tuple(_interface(server, network, port) for network, port in plugs),
        console_log=str(drivers.paths.console_log(str(server.id))),
        instance_dir=str(drivers.paths.instance(str(server.id))),
    )


def _make(server: Any, device: Any, drivers: HostDrivers) -> Disk:
    storage, key = drivers.storage, str(server.id)
    if device.kind == "swap":
        return storage.create_swap(key, device.size)
    if device.kind == "ephemeral":
        return storage.create_ephemeral(key, 0, device.size)
    return storage.create_root(key, _cached(server, drivers), device.size)


def _cached(server: Any, drivers: HostDrivers) -> CachedImage | None:
    if server.image_id is None:
        return None
    return drivers.storage.cache_image(*images.of_server(server))


def _disk(device: Any, made: Disk, *, boot: bool) -> DiskSpec:
    backing = None
    if made.backing_path and made.backing_format:
        backing = DiskBacking(path=made.backing_path, format=made.backing_format)
    return DiskSpec(
        target=device.device or "vda",
        path=made.path,
        format=made.format,
        boot_index=1 if boot else None,
        serial=device.id.hex[:20],
        backing=backing,
    )


def _interface(server: Any, network: NetworkSpec, port: PortSpec) -> InterfaceSpec:
    model = server.image_properties.get("hw_vif_model", "virtio")
    return InterfaceSpec(
        port_id=port.id,
        mac=port.mac,
        tap=port.tap,
        bridge=network.bridge,
        mtu=network.mtu,
        model=model if model in ("virtio", "e1000", "e1000e", "rtl8139") else "virtio",
    )
