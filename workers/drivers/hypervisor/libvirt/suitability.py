"""Whether another host's hypervisor can take a running guest: its processor, its memory, its devices."""

from __future__ import annotations

from typing import Any

import libvirt
from lxml import etree

from workers.drivers.hypervisor.errors import MigrationImpossible
from workers.drivers.hypervisor.libvirt.definition import HostPolicy
from workers.drivers.hypervisor.libvirt.host import CPU_REFUSALS, has_machine, parse

# Devices that are a piece of their host, and the words for them.
_BOUND = {
    "devices/hostdev": "a device of its host",
    "devices/filesystem": "a directory of its host",
    "devices/shmem": "memory that it shares on its host",
}


def check(domain: libvirt.virDomain, far: libvirt.virConnect, policy: HostPolicy) -> None:
    """Raise MigrationImpossible with what keeps the guest from the host behind `far`. Lets libvirtError through."""
    description = parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_UPDATE_CPU | libvirt.VIR_DOMAIN_XML_MIGRATABLE))
    for path, words in _BOUND.items():
        if description.find(path) is not None:
            raise MigrationImpossible(f"The server has {words}.", details=path)
    _check_machine(description, far, policy)
    _check_processor(description, domain.connect(), far, policy)


def _check_machine(description: Any, far: libvirt.virConnect, policy: HostPolicy) -> None:
    machine = description.find("os/type").get("machine")
    if not has_machine(far, policy, machine):
        raise MigrationImpossible(f"The host has no machine of the type {machine}.")


def _check_processor(description: Any, near: libvirt.virConnect, far: libvirt.virConnect, policy: HostPolicy) -> None:
    cpu = description.find("cpu")
    if cpu is None:
        return
    try:
        if cpu.get("mode") in ("host-passthrough", "maximum"):  # the guest has the processor of its host
            if policy.virt_type != "kvm":
                return
            result = far.compareCPU(
                etree.tostring(parse(near.getCapabilities()).find("host/cpu"), encoding="unicode"), 0
            )
        else:
            text = etree.tostring(cpu, encoding="unicode")
            flags = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE
            result = far.compareHypervisorCPU(None, policy.arch, None, policy.virt_type, text, flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in CPU_REFUSALS:
            raise
        raise MigrationImpossible(
            "The host's processor lacks what the server's has.", details=error.get_error_message()
        ) from error
    if result == libvirt.VIR_CPU_COMPARE_INCOMPATIBLE:
        raise MigrationImpossible("The host's processor lacks what the server's has.", details=f"compared: {result}")
