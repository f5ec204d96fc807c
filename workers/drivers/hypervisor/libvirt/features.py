"""The elements of what a guest's machine has beside its devices: processor features, rings, IOMMU, graphics memory."""

from __future__ import annotations

from dataclasses import replace

from workers.drivers.hypervisor.base import Hardware
from workers.drivers.hypervisor.libvirt.xml import devices, interface, machine
from workers.drivers.hypervisor.libvirt.xml import disk as disks


def of(asked: Hardware, tcg_cache_mib: int | None) -> machine.Features:
    """``tcg_cache_mib``: of an emulated guest; None: the host has KVM."""
    emulated, counters = tcg_cache_mib is not None, None
    if asked.performance_counters is not None and not emulated:  # an emulated processor has none
        counters = machine.Pmu("on" if asked.performance_counters else "off")
    return machine.Features(
        kvm=machine.Kvm() if asked.hide_hypervisor and not emulated else None,
        pmu=counters,
        smm=machine.Smm() if asked.secure_boot else None,
        tcg=machine.Tcg(machine.TbCache(mib=tcg_cache_mib)) if tcg_cache_mib is not None else None,
        ioapic=machine.IoApic() if asked.iommu == "intel" else None,
    )


def address_size(asked: Hardware) -> machine.AddressSize | None:
    """libvirt takes bits for emulate alone."""
    return machine.AddressSize(asked.address[0], asked.address[1] or None) if asked.address else None


def iommu(asked: Hardware) -> devices.Iommu | None:
    """<iommu>: with the remapping of interrupts where the model has it."""
    if asked.iommu is None:
        return None
    return devices.Iommu(asked.iommu, devices.IommuDriver() if asked.iommu == "intel" else None)


def video(asked: Hardware) -> devices.VideoModel:
    """<model> of <video>, with the memory that was asked for where the model has a choice."""
    mib = asked.video_mib if asked.video in ("vga", "bochs") else 0
    return devices.VideoModel(type=asked.video, vram=mib * 1024 or (16384 if asked.video == "vga" else None))


def disk(asked: Hardware, element: disks.Disk) -> disks.Disk:
    """Give a virtio disk packed rings, if the guest may have them."""
    if not asked.packed_rings or element.target is None or element.target.bus != "virtio":
        return element
    return replace(element, driver=replace(element.driver, packed="on"))


def card(asked: Hardware, element: interface.Interface) -> interface.Interface:
    """Give a virtio card packed rings, if the guest may have them."""
    if not asked.packed_rings or element.model is None or element.model.type != "virtio":
        return element
    return replace(element, driver=replace(element.driver or interface.InterfaceDriver(), packed="on"))
