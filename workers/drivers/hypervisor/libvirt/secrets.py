"""Keys of storage clusters, which libvirt keeps and gives to QEMU. Domains name them by their UUID alone."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import libvirt

from workers.drivers.hypervisor.libvirt.xml.secret import Secret, Usage
from workers.drivers.hypervisor.specs import ClusterSource, DiskSpec


def keep(connection: libvirt.virConnect, sources: Iterable[object]) -> None:
    """Have the keys of those sources that are in a cluster. libvirt tells them to nobody."""
    for source in {source.secret: source for source in sources if isinstance(source, ClusterSource)}.values():
        name = f"{source.user} {source.secret}"
        made = connection.secretDefineXML(Secret(uuid=source.secret, usage=Usage(name=name)).xml())
        made.setValue(base64.b64decode(source.key))


def keep_of(connection: libvirt.virConnect, disks: Iterable[DiskSpec]) -> None:
    """The same for the sources of disks."""
    keep(connection, [disk.export for disk in disks])
