"""What libvirt and the kernel say of a host: virtualisation, processor, memory, traits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Literal

import libvirt
import os_traits
from lxml import etree

from workers.drivers.hypervisor.base import HostFacts
from workers.drivers.hypervisor.libvirt.definition import HostPolicy

_CPU_INFO = Path("/proc/cpuinfo")
_KVM = Path("/dev/kvm")
_PREFIX = "HW_CPU_X86_"

# What libvirt calls otherwise than os-traits does.
_RENAMED = {
    "sse4.1": "SSE41",
    "sse4.2": "SSE42",
    "lahf_lm": "",
    "abm": "ABM",
    "sha-ni": "SHA",
    "3dnow": "3DNOW",
}

# What this driver does for every server on every host (nova.virt.libvirt's words for it).
_DRIVER_TRAITS = (
    "COMPUTE_GRAPHICS_MODEL_VGA",
    "COMPUTE_IMAGE_TYPE_ISO",
    "COMPUTE_IMAGE_TYPE_QCOW2",
    "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_NODE",
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
        traits=traits(cpu["features"], domain_capabilities, policy),
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


def traits(features: list[str], domain_capabilities: Any, policy: HostPolicy) -> tuple[str, ...]:
    """os-traits names for what guests can have here: processor features under KVM, cards, firmware."""
    found = set(_DRIVER_TRAITS)
    if policy.virt_type == "kvm":  # an emulated processor has the emulator's features, not the host's
        found |= {_PREFIX + _RENAMED.get(name, name.upper().replace("-", "_").replace(".", "_")) for name in features}
    for model in ("virtio", "e1000", "e1000e", "rtl8139"):
        found.add(f"COMPUTE_NET_VIF_MODEL_{model.upper()}")
    firmware = [value.text for value in domain_capabilities.findall("os/enum[@name='firmware']/value")]
    if "efi" in firmware:
        found.add("COMPUTE_FIRMWARE_UEFI")
    found.add("COMPUTE_FIRMWARE_BIOS")
    known = set(os_traits.get_traits())
    return tuple(sorted(found & known))
