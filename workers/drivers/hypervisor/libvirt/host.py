"""A host's attributes from libvirt and the kernel: virtualisation, processor, memory, traits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import libvirt
import os_traits
from lxml import etree

from workers.drivers.errors import SpecInvalid
from workers.drivers.hypervisor.base import HostFacts
from workers.drivers.hypervisor.libvirt.definition import EMULATED_FEATURES, HostPolicy
from workers.drivers.hypervisor.libvirt.xml import machine
from workers.drivers.values import parse_cpus

_CPU_INFO = Path("/proc/cpuinfo")
_KVM = Path("/dev/kvm")
_GROUPS = Path("/sys/fs/cgroup")
_MOUNTS = Path("/proc/self/mounts")
_STATUS = Path("/proc/self/status")
_PREFIX = "HW_CPU_X86_"
CPU_LIMITS, DEDICATED_CPUS, LARGE_PAGES = "CUSTOM_CPU_LIMITS", "CUSTOM_DEDICATED_CPUS", "CUSTOM_LARGE_PAGES"
REALTIME_CPUS, LOCKED_MEMORY = "CUSTOM_REALTIME_CPUS", "CUSTOM_LOCKED_MEMORY"
_MAY_SCHEDULE, _MAY_LOCK = 23, 24  # capabilities(7): CAP_SYS_NICE, CAP_SYS_RESOURCE
SMALL_KIB = 4
CPU_REFUSALS = (
    libvirt.VIR_ERR_CPU_INCOMPATIBLE,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
)

# Features whose names differ between libvirt and os-traits.
_RENAMED = {
    "sse4.1": "SSE41",
    "sse4.2": "SSE42",
    "aes": "AESNI",
    "pclmuldq": "CLMUL",
    "pclmulqdq": "CLMUL",
    "sha-ni": "SHA",
    "3dnow": "3DNOW",
}

# Capabilities of this driver on every host, in nova.virt.libvirt's names.
_DRIVER_TRAITS = (
    "COMPUTE_IMAGE_TYPE_QCOW2",
    "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_IMAGE_TYPE_VDI",
    "COMPUTE_IMAGE_TYPE_VHD",
    "COMPUTE_IMAGE_TYPE_VHDX",
    "COMPUTE_IMAGE_TYPE_VMDK",
    "COMPUTE_NET_VIRTIO_PACKED",
    "COMPUTE_NODE",
    *(f"COMPUTE_SOUND_MODEL_{model}" for model in ("AC97", "ES1370", "ICH6", "ICH9", "SB16", "USB")),
    "COMPUTE_STORAGE_BUS_IDE",
    "COMPUTE_STORAGE_BUS_SATA",
    "COMPUTE_STORAGE_BUS_SCSI",
    "COMPUTE_STORAGE_BUS_VIRTIO",
    *(f"COMPUTE_VIOMMU_MODEL_{model}" for model in ("AUTO", "INTEL", "VIRTIO")),
)
_KVM_TRAITS = ("COMPUTE_ADDRESS_SPACE_EMULATED", "COMPUTE_ADDRESS_SPACE_PASSTHROUGH")


def decide_virt_type(cpu_info: Path = _CPU_INFO, kvm: Path = _KVM) -> Literal["kvm", "qemu"]:
    """kvm when the processor says vmx or svm and /dev/kvm can be opened; else qemu (emulation).

    The device alone proves nothing: inside a virtual machine without nested virtualisation it may exist, open, and
    hang every guest for ever.
    """
    try:
        text = cpu_info.read_text()
    except OSError:
        return "qemu"
    flags = {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}
    return "kvm" if flags & {"vmx", "svm"} and os.access(kvm, os.R_OK | os.W_OK) else "qemu"


def parse(text: str) -> Any:
    """XML from libvirt as an element tree, with no entity resolved and nothing fetched."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(text.encode(), parser)


def read_facts(connection: libvirt.virConnect, policy: HostPolicy, state_dir: Path) -> HostFacts:
    """Ask libvirt. `state_dir` is where the instances live: its file system is the host's disk."""
    capabilities = parse(connection.getCapabilities())
    domain_capabilities = parse(connection.getDomainCapabilities(None, policy.arch, policy.machine, policy.virt_type))
    cpu = _cpu_info(capabilities)
    _model, _memory, cpus, *_rest = connection.getInfo()
    known = {**topology(capabilities, policy), "pci": pci_devices(connection, policy.pci_devices)}
    features = guest_features(connection, domain_capabilities, policy)
    check_model(connection, policy)
    return HostFacts(
        hypervisor_type="QEMU",
        hypervisor_version=int(connection.getVersion()),
        virt_type=policy.virt_type,
        arch=str(cpu["arch"]),
        cpu_model=str(cpu["model"]),
        cpu_info=cpu,
        vcpus=len(known["shared"]) if policy.dedicated_cpus else int(cpus),
        # Not libvirt's figure: on a NUMA host it adds up the nodes, and leaves out memory that came later.
        ram_mib=(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) >> 20,
        disk_gib=shutil.disk_usage(state_dir).total >> 30,
        traits=tuple(sorted({*traits(features, domain_capabilities, policy), *topology_traits(known)})),
        topology=known,
    )


def topology(capabilities: Any, policy: HostPolicy) -> dict[str, Any]:
    """The host's sets of processors and NUMA cells, as the scheduler reads them. Raises SpecInvalid for processors that
    the settings name and the host has not.
    """
    cells = [_cell(cell) for cell in capabilities.findall("host/topology/cells/cell")]
    if not _has_huge_files():
        cells = [{**cell, "pages": {}} for cell in cells]
    there = {cpu for cell in cells for cpu in cell["cpus"]}
    dedicated, shared = set(policy.dedicated_cpus), set(policy.shared_cpus) or there - set(policy.dedicated_cpus)
    if cells and not (dedicated | shared <= there and dedicated.isdisjoint(shared)):
        raise SpecInvalid(
            "CELERITY_CPU_DEDICATED_SET and CELERITY_CPU_SHARED_SET must be different processors of the host",
            details=f"the host has {sorted(there)}",
        )
    return {"dedicated": sorted(dedicated), "shared": sorted(shared), "cells": cells}


def _has_huge_files(mounts: Path = _MOUNTS) -> bool:
    """Whether a hugetlbfs is mounted, by which libvirt gives large pages to guests."""
    return any(line.split()[2:3] == ["hugetlbfs"] for line in mounts.read_text().splitlines())


def _cell(cell: Any) -> dict[str, Any]:
    cpus = {int(cpu.get("id")): parse_cpus(cpu.get("siblings") or cpu.get("id")) for cpu in cell.findall("cpus/cpu")}
    pages = {item.get("size"): int(item.text or 0) for item in cell.findall("pages") if item.get("unit") == "KiB"}
    return {
        "id": int(cell.get("id")),
        "cpus": sorted(cpus),
        "siblings": sorted(map(list, {tuple(sorted(siblings)) for siblings in cpus.values()})),
        "memory": int(cell.findtext("memory") or 0) // 1024,
        "pages": {size: count for size, count in pages.items() if int(size) > SMALL_KIB and count},
    }


def topology_traits(known: Mapping[str, Any]) -> set[str]:
    """Names of our own: os-traits has none for dedicated processors and large pages."""
    has_pages = any(cell["pages"] for cell in known["cells"])
    names = {DEDICATED_CPUS} if known["dedicated"] else set()
    return names | ({LARGE_PAGES} if has_pages else set()) | _permitted(bool(known["dedicated"]))


def _permitted(dedicated: bool, status: Path = _STATUS) -> set[str]:
    """What the kernel lets this process, and so libvirt beside it, do: not in every container."""
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    rights = int(lines.get("CapEff", "0").strip(), 16)
    locks = {LOCKED_MEMORY} if rights >> _MAY_LOCK & 1 else set()
    return locks | ({REALTIME_CPUS} if dedicated and locks and rights >> _MAY_SCHEDULE & 1 else set())


def _cpu_info(capabilities: Any) -> dict[str, Any]:
    cpu = capabilities.find("host/cpu")
    topology = cpu.find("topology") if cpu is not None else None
    if cpu is None:
        return {"arch": "", "model": "", "vendor": "", "topology": {}, "features": []}
    return {
        "arch": cpu.findtext("arch") or "",
        "model": cpu.findtext("model") or "",
        "vendor": cpu.findtext("vendor") or "",
        "topology": {key: int(topology.get(key, "1")) for key in ("sockets", "cores", "threads")}
        if topology is not None
        else {},
        "features": sorted(feature.get("name") for feature in cpu.findall("feature")),
    }


def guest_features(connection: libvirt.virConnect, domain_capabilities: Any, policy: HostPolicy) -> set[str]:
    """The processor features, in libvirt's words, that guests get here: those that a model implies with the others."""
    removed = {name.removeprefix("-") for name in policy.cpu_features if name.startswith("-")}
    wanted = [name for name in policy.cpu_features if not name.startswith("-")]
    cpu = etree.Element("cpu", mode="custom", match="exact")
    if policy.cpu_mode == "custom":
        etree.SubElement(cpu, "model").text = policy.cpu_model
        for name in wanted:
            etree.SubElement(cpu, "feature", policy="require", name=name)
    else:
        cpu.extend(domain_capabilities.find("cpu/mode[@name='host-model']"))
    try:
        text = connection.baselineHypervisorCPU(
            None,
            policy.arch,
            policy.machine,
            policy.virt_type,
            [etree.tostring(cpu, encoding="unicode")],
            libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES,
        )
    except libvirt.libvirtError:  # another architecture, or a libvirt that cannot expand models
        return set(wanted)
    return ({feature.get("name") for feature in parse(text).findall("feature")} | set(wanted)) - removed


def has_machine(connection: libvirt.virConnect, policy: HostPolicy, machine: str) -> bool:
    """Return whether QEMU has machines of a type."""
    try:
        connection.getDomainCapabilities(None, policy.arch, machine, policy.virt_type)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (*CPU_REFUSALS, libvirt.VIR_ERR_INVALID_ARG):
            raise
        return False
    return True


def check_model(connection: libvirt.virConnect, policy: HostPolicy) -> None:
    """Raise SpecInvalid for a processor that the settings name and the host has not, or that libvirt does not know. An
    emulator gives what it can of it.
    """
    if policy.cpu_mode != "custom" or policy.cpu_features == EMULATED_FEATURES:
        return
    text = machine.Cpu(
        mode="custom",
        match="exact",
        model=machine.CpuModel(fallback="forbid", name=policy.cpu_model),
        features=machine.cpu_features(policy.cpu_features),
    ).xml()
    flags = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE if policy.virt_type == "kvm" else 0
    try:
        connection.compareHypervisorCPU(None, policy.arch, policy.machine, policy.virt_type, text, flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (*CPU_REFUSALS, libvirt.VIR_ERR_INTERNAL_ERROR):  # that: no such name
            raise
        raise SpecInvalid(
            f"The host has no processor {policy.cpu_model} (CELERITY_CPU_MODEL, CELERITY_CPU_FEATURES).",
            details=error.get_error_message(),
        ) from error


def traits(features: Iterable[str], domain_capabilities: Any, policy: HostPolicy) -> tuple[str, ...]:
    """os-traits names of guests' features: processor, cards, buses, firmware. Two are not of
    os-traits, which has no word for them: CUSTOM_VIRT_TYPE_KVM or _QEMU, and CUSTOM_CPU_LIMITS.
    """
    names = {*_DRIVER_TRAITS, *(_KVM_TRAITS if policy.virt_type == "kvm" else ())}
    names |= {_PREFIX + _RENAMED.get(name, name.upper().replace("-", "_").replace(".", "_")) for name in features}
    for model in ("virtio", "e1000", "e1000e", "rtl8139"):
        names.add(f"COMPUTE_NET_VIF_MODEL_{model.upper()}")
    for value in domain_capabilities.findall("devices/video/enum[@name='modelType']/value"):
        names.add(f"COMPUTE_GRAPHICS_MODEL_{(value.text or '').upper()}")
    firmware = [value.text for value in domain_capabilities.findall("os/enum[@name='firmware']/value")]
    if "efi" in firmware:
        names.add("COMPUTE_FIRMWARE_UEFI")
    if "yes" in [value.text for value in domain_capabilities.findall("os/loader/enum[@name='secure']/value")]:
        names.add("COMPUTE_SECURITY_UEFI_SECURE_BOOT")
    names.add("COMPUTE_FIRMWARE_BIOS")
    names |= _tpm_traits(domain_capabilities)
    known = set(os_traits.get_traits())
    own = {f"CUSTOM_VIRT_TYPE_{policy.virt_type.upper()}", *({CPU_LIMITS} if limits_processors() else ())}
    return tuple(sorted({*(names & known), *own}))


def _tpm_traits(domain_capabilities: Any) -> set[str]:
    """libvirt before 9.1 does not tell the versions: swtpm has both."""
    device = domain_capabilities.find("devices/tpm")
    if device is None or device.find("enum[@name='backendModel'][value='emulator']") is None:
        return set()
    versions = [value.text or "" for value in device.findall("enum[@name='backendVersion']/value")]
    models = [(value.text or "").removeprefix("tpm-").upper() for value in device.findall("enum[@name='model']/value")]
    words = [version.replace(".", "_") for version in versions or ("1.2", "2.0")]
    return {f"COMPUTE_SECURITY_TPM_{word}" for word in (*words, *models)}


def limits_processors(groups: Path = _GROUPS) -> bool:
    """Return whether the kernel's control groups share out processors, which libvirt then does for guests."""
    controllers = groups / "cgroup.controllers"
    return (groups / "cpu").is_dir() or (controllers.is_file() and "cpu" in controllers.read_text().split())


def pci_devices(connection: libvirt.virConnect, wanted: Iterable[str]) -> list[dict[str, str]]:
    """The host's PCI devices that guests may have, by the settings, and that the kernel can give away: each is in an
    IOMMU group. Nothing is listed where the settings name none.
    """
    names = frozenset(wanted)
    if not names:
        return []
    listed = connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)
    known = [device for item in listed if (device := pci_device(item.XMLDesc(0)))]
    return sorted(
        (device for device in known if names & {device["address"], device["model"]}),
        key=lambda device: device["address"],
    )


def pci_device(xml: str) -> dict[str, str] | None:
    """A device as the scheduler reads it; None for one that cannot be given away."""
    pci = parse(xml).find("capability[@type='pci']")
    if pci is None or pci.find("iommuGroup") is None:
        return None
    domain, bus, slot, function = (int(pci.findtext(name)) for name in ("domain", "bus", "slot", "function"))
    model = ":".join(str(pci.find(name).get("id")).removeprefix("0x") for name in ("vendor", "product"))
    return {"address": f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}", "model": model}
