"""Specs that tests begin with; each call gives new ids and addresses."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import os
import uuid
from pathlib import Path
from typing import Any

from workers.drivers.hypervisor.base import DiskBacking, DiskSpec, ExportSource, InterfaceSpec, ServerSpec
from workers.drivers.network.base import FixedIP, PortSpec, SubnetSpec
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.storage.base import Disk, ImageSpec
from workers.system.paths import HostPaths

_serial = itertools.count(1)
GIB = 1 << 30
BRIDGE = f"cly-tb{os.getpid()}"  # of the kernel's


def new_id() -> str:
    return str(uuid.uuid4())


def packed(address: str) -> bytes:
    """An address as packets have it."""
    return ipaddress.ip_address(address).packed


def network(number: int | None = None, **changes: Any) -> NetworkSpec:
    """A network in 198.18.<number>.0/24."""
    number = 1 + next(_serial) % 255 if number is None else number
    subnet = SubnetSpec(new_id(), f"198.18.{number}.0/24", f"198.18.{number}.1")
    return NetworkSpec(**{"id": new_id(), "mtu": 1450, "subnets": (subnet,), **changes})


def port(network: NetworkSpec, last: int = 10, **changes: Any) -> PortSpec:
    """A port with the address that ends in `last` in the network's first subnet."""
    number = next(_serial)
    subnet = network.subnets[0]
    ip = subnet.cidr.split("/")[0].rsplit(".", 1)[0] + f".{last}"
    mac = f"52:54:00:7e:{number >> 8 & 255:02x}:{number & 255:02x}"
    fixed = (FixedIP(subnet.id, ip),)
    return PortSpec(
        **{
            "id": new_id(),
            "tap": f"cly-tt{number}",
            "network_id": network.id,
            "mtu": network.mtu,
            "mac": mac,
            "fixed_ips": fixed,
            **changes,
        }
    )


def image_of(data: bytes, disk_format: str = "qcow2", **changes: Any) -> ImageSpec:
    """The record of an image with these bits."""
    sha512 = hashlib.sha512(data).hexdigest()
    return ImageSpec(**{"id": new_id(), "sha512": sha512, "size": len(data), "disk_format": disk_format, **changes})


def interface(network: NetworkSpec, port: PortSpec, **changes: Any) -> InterfaceSpec:
    values = {"port_id": port.id, "mac": port.mac, "tap": port.tap, "bridge": BRIDGE, "mtu": network.mtu}
    return InterfaceSpec(**{**values, **changes})


def disk(made: Disk, target: str, **changes: Any) -> DiskSpec:
    """A server's view of a disk that a storage driver made."""
    backing = DiskBacking(made.backing_path, made.backing_format or "raw") if made.backing_path else None
    return DiskSpec(**{"target": target, "path": made.path, "format": made.format, "backing": backing, **changes})


def volume_disk(target: str, **changes: Any) -> DiskSpec:
    """A server's view of a volume, of which nobody has an export."""
    source = ExportSource("/run/celerity-volumes/x/nbd.sock", "e1")
    return DiskSpec(**{"target": target, "path": "", "format": "raw", "serial": new_id(), "export": source, **changes})


def server(state_dir: Path | str = "/var/lib/celerity", **changes: Any) -> ServerSpec:
    """A small server without disks or ports."""
    server_id = changes.pop("id", new_id())
    paths = HostPaths(Path(state_dir))
    values = {
        "id": server_id,
        "name": f"cly-t-{server_id[:8]}",
        "display_name": "a test's server",
        "project_id": "a-project",
        "user_id": "a-user",
        "flavor_name": "m1.tiny",
        "vcpus": 1,
        "ram_mib": 96,
        "disks": (),
        "interfaces": (),
        "console_log": str(paths.console_log(server_id)),
        "instance_dir": str(paths.instance(server_id)),
    }
    return ServerSpec(**{**values, **changes})
