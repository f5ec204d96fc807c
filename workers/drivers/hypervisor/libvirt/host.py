"""A host's attributes from libvirt and the kernel: virtualisation, processor, memory, traits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import libvirt
import os_traits
from lxml import etree

from workers.drivers.hypervisor.base import HostFacts
from workers.drivers.hypervisor.libvirt.definition import HostPolicy

_CPU_INFO = Path("/proc/cpuinfo")
_KVM = Path("/dev/kvm")
_GROUPS = Path("/sys/fs/cgroup")
_PREFIX = "HW_CPU_X86_"
CPU_LIMITS = "CUSTOM_CPU_LIMITS"

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
    "COMPUTE_NODE",
    "COMPUTE_STORAGE_BUS_IDE",
    "COMPUTE_STORAGE_BUS_SATA",
    "COMPUTE_STORAGE_BUS_SCSI",
    "COMPUTE_STORAGE_BUS_VIRTIO",
)


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
    return HostFacts(
        hypervisor_type="QEMU",
        hypervisor_version=int(connection.getVersion()),
        virt_type=policy.virt_type,
        arch=str(cpu["arch"]),
        cpu_model=str(cpu["model"]),
        cpu_info=cpu,
        vcpus=int(cpus),
        # Not libvirt's figure: on a NUMA host it adds up the nodes, and leaves out memory that came later.
        ram_mib=(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) >> 20,
        disk_gib=shutil.disk_usage(state_dir).total >> 30,
        traits=traits(guest_features(connection, domain_capabilities, policy), domain_capabilities, policy),
    )


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
        removed.clear()
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
    return {feature.get("name") for feature in parse(text).findall("feature")} - removed


def traits(features: Iterable[str], domain_capabilities: Any, policy: HostPolicy) -> tuple[str, ...]:
    """os-traits names of guests' features: processor, cards, buses, firmware. Two are not of
    os-traits, which has no word for them: CUSTOM_VIRT_TYPE_KVM or _QEMU, and CUSTOM_CPU_LIMITS.
    """
    names = set(_DRIVER_TRAITS)
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
    told = [value.text or "" for value in device.findall("enum[@name='backendVersion']/value")]
    models = [(value.text or "").removeprefix("tpm-").upper() for value in device.findall("enum[@name='model']/value")]
    versions = [version.replace(".", "_") for version in told or ("1.2", "2.0")]
    return {f"COMPUTE_SECURITY_TPM_{word}" for word in (*versions, *models)}


def limits_processors(groups: Path = _GROUPS) -> bool:
    """Return whether the kernel's control groups share out processors, which libvirt then does for guests."""
    controllers = groups / "cgroup.controllers"
    return (groups / "cpu").is_dir() or (controllers.is_file() and "cpu" in controllers.read_text().split())
