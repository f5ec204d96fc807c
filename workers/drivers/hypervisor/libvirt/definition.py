"""Builds a domain's XML from a server's spec and a host's policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from workers.drivers.errors import SpecInvalid
from workers.drivers.hypervisor.base import (
    Hardware,
    InterfaceSpec,
    ServerSpec,
)
from workers.drivers.hypervisor.libvirt import features, placement, tpm
from workers.drivers.hypervisor.libvirt.disk_elements import DiskCache, bus_of, disk_device
from workers.drivers.hypervisor.libvirt.xml import devices, interface, machine, metadata, resources
from workers.drivers.hypervisor.libvirt.xml.domain import Domain

# Free PCI Express ports: each takes one disk or card that is plugged in while the guest runs. libvirt's own choice
# leaves one.
SPARE_PORTS = 12
_TITLE_LIMIT = 255
_PCI_ADDRESS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")

# An emulated processor by default: QEMU's plain model, which is AMD's (so that a guest's kernel sees no need for page
# table isolation, which costs an emulated guest dear), with what x86-64-v2 adds, which today's distributions ask for.
# A leading "-" takes a feature away: no virtual machines inside emulated ones.
EMULATED_FEATURES = ("ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "lahf_lm", "aes", "pclmuldq", "rdrand", "-svm")
# Features that no real processor has without these, and that systems therefore use together: Linux' AES module asks
# for aes alone and multiplies with pclmulqdq, so a guest with one of the two has an oops at boot.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "aes": ("pclmuldq",),
    "avx": ("xsave",),
    "avx2": ("avx",),
    "f16c": ("avx",),
    "fma": ("avx",),
    "sha-ni": ("ssse3", "sse4.1"),
    "vaes": ("aes", "avx"),
    "vpclmulqdq": ("pclmuldq", "avx"),
}


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Settings shared by all guests of a host.

    `home` marks them as this host agent's. `cpu_model` counts in `cpu_mode` custom only.
    `tcg_cache_mib` bounds the emulator's own memory, in MiB. `dedicated_cpus` are for guests that get their own,
    `shared_cpus` for the others: () is all. `pci_devices` are addresses and models that guests may have.
    """

    home: str
    virt_type: Literal["kvm", "qemu"] = "qemu"
    arch: str = "x86_64"
    machine: str = "q35"
    cpu_mode: Literal["host-model", "host-passthrough", "maximum", "custom"] = "custom"
    cpu_model: str = "qemu64"
    cpu_features: tuple[str, ...] = EMULATED_FEATURES
    disk_cache: DiskCache = "writeback"
    tcg_cache_mib: int = 64
    dedicated_cpus: tuple[int, ...] = ()
    shared_cpus: tuple[int, ...] = ()
    pci_devices: tuple[str, ...] = ()


def completed(features: tuple[str, ...]) -> tuple[str, ...]:
    """The features with those that belong to them. Raises SpecInvalid where one of these is taken away."""
    complete = list(features)
    for name in complete:  # grows while it is read: companions have companions
        for companion in COMPANIONS.get(name, ()):
            if f"-{companion}" in features:
                raise SpecInvalid(f"the processor feature {name} needs {companion}, which is taken away")
            if companion not in complete:
                complete.append(companion)
    return tuple(complete)


def define(spec: ServerSpec, policy: HostPolicy) -> Domain:
    """The domain of a server on a host. Pure. Raises SpecInvalid for a disk no bus takes."""
    return Domain(
        type=policy.virt_type,
        name=spec.name,
        uuid=spec.id,
        title=_title(spec.display_name),
        metadata=_metadata(spec, policy),
        memory=resources.Memory(mib=spec.ram_mib),
        vcpu=resources.Vcpu(count=spec.vcpus, cpuset=_shared_cpus(spec, policy)),
        sysinfo=_sysinfo(spec),
        os=_os(spec, policy),
        features=features.of(spec.hardware, policy.tcg_cache_mib if policy.virt_type == "qemu" else None),
        cpu=_cpu(spec, policy),
        clock=machine.Clock(offset="localtime" if spec.hardware.local_time else "utc", timers=_timers(spec, policy)),
        devices=_devices(spec, policy),
        cputune=placement.cpu_tune(spec.hardware),
        numatune=placement.numa_tune(spec.hardware.placement),
        memory_backing=placement.backing(spec.hardware),
    )


def _shared_cpus(spec: ServerSpec, policy: HostPolicy) -> str | None:
    """Guests without dedicated processors stay off those that others may have."""
    return placement.listed(policy.shared_cpus) if policy.shared_cpus and spec.hardware.placement is None else None


def _title(display_name: str) -> str:
    """libvirt refuses a title with a newline."""
    return " ".join(display_name.split())[:_TITLE_LIMIT] or "-"


def _metadata(spec: ServerSpec, policy: HostPolicy) -> metadata.Metadata:
    return metadata.Metadata(
        metadata.Server(
            id=spec.id,
            home=policy.home,
            name=metadata.DisplayName(spec.display_name),
            owner=metadata.Owner(project_id=spec.project_id, user_id=spec.user_id),
            flavor=metadata.Flavor(spec.flavor_name),
            ports=tuple(metadata.Port(id=nic.port_id, mac=nic.mac) for nic in spec.interfaces),
            items=tuple(metadata.Item(key=key, value=spec.metadata[key]) for key in sorted(spec.metadata)),
        )
    )


def _sysinfo(spec: ServerSpec) -> machine.Sysinfo:
    # cloud-init knows an OpenStack by the product's name (ds-identify: "OpenStack Nova"). The serial is the server's
    # own id: the host's serial number must not show (OSSN-0028).
    entries = {
        "manufacturer": "Celerity",
        "product": "OpenStack Nova",
        "version": "1",
        "serial": spec.id,
        "uuid": spec.id,
        "family": "Virtual Machine",
    }
    table = machine.SystemTable(tuple(machine.Entry(name, value) for name, value in entries.items()))
    return machine.Sysinfo(system=table)


def _os(spec: ServerSpec, policy: HostPolicy) -> machine.Os:
    firmware = loader = None
    boot = spec.direct_boot
    if spec.hardware.firmware == "uefi":  # left to itself, libvirt takes one that starts signed systems alone
        firmware = machine.Firmware((machine.FirmwareFeature(False, "secure-boot"),))
    if spec.hardware.secure_boot:
        if spec.hardware.firmware != "uefi" or "q35" not in _machine(spec, policy):
            raise SpecInvalid("secure boot needs the firmware uefi and the machine q35")
        names: tuple[Literal["secure-boot", "enrolled-keys"], ...] = ("secure-boot", "enrolled-keys")
        firmware = machine.Firmware(tuple(machine.FirmwareFeature(True, name) for name in names))
        loader = machine.Loader(secure=True)
    return machine.Os(
        firmware="efi" if spec.hardware.firmware == "uefi" else None,
        features=firmware,
        loader=loader,
        type=machine.OsType(arch=policy.arch, machine=_machine(spec, policy)),
        kernel=boot.kernel if boot else None,
        initrd=boot.ramdisk if boot else None,
        cmdline=boot.command_line if boot else None,
        bootmenu=machine.BootMenu() if spec.hardware.boot_menu else None,
    )


def _machine(spec: ServerSpec, policy: HostPolicy) -> str:
    return spec.hardware.machine or policy.machine


def _cpu(spec: ServerSpec, policy: HostPolicy) -> machine.Cpu:
    sockets, cores, threads = spec.hardware.topology or (1, spec.vcpus, 1)
    topology = machine.Topology(sockets=sockets, cores=cores, threads=threads)
    common: dict[str, Any] = {
        "topology": topology,
        "features": machine.cpu_features(policy.cpu_features),
        "numa": placement.guest_numa(spec.hardware.placement),
        "address": features.address_size(spec.hardware),
    }
    if policy.cpu_mode != "custom":
        return machine.Cpu(mode=policy.cpu_mode, **common)
    return machine.Cpu(
        mode="custom",
        match="exact",
        check="none" if policy.virt_type == "qemu" else "partial",  # an emulator has all that it can
        model=machine.CpuModel(fallback="forbid", name=policy.cpu_model),
        **common,
    )


def _timers(spec: ServerSpec, policy: HostPolicy) -> tuple[machine.Timer, ...]:
    hpet = machine.Timer("hpet", present=spec.hardware.hpet)
    if policy.virt_type == "qemu":
        return (hpet,)
    return (machine.Timer("rtc", tickpolicy="catchup"), machine.Timer("pit", tickpolicy="delay"), hpet)


def _devices(spec: ServerSpec, policy: HostPolicy) -> devices.Devices:
    hardware = spec.hardware
    return devices.Devices(
        disks=tuple(features.disk(hardware, disk_device(item, policy.disk_cache)) for item in spec.disks),
        controllers=tuple(_controllers(spec, policy)),
        interfaces=tuple(features.card(hardware, card(item)) for item in spec.interfaces),
        serial=devices.Serial(log=devices.Log(file=spec.console_log)),
        channel=devices.Channel() if hardware.guest_agent else None,
        video=devices.Video(model=features.video(hardware)),
        rng=_rng(hardware),
        watchdog=devices.Watchdog(hardware.watchdog) if hardware.watchdog else None,
        tpm=_tpm(spec),
        inputs=_inputs(hardware),
        sound=devices.Sound(hardware.sound) if hardware.sound else None,
        hostdevs=tuple(_hostdev(address) for address in hardware.devices),
        iommu=features.iommu(hardware),
    )


def _rng(asked: Hardware) -> devices.Rng | None:
    return devices.Rng(rate=devices.RngRate(*asked.rng_rate) if asked.rng_rate else None) if asked.rng else None


def _hostdev(address: str) -> devices.Hostdev:
    match = _PCI_ADDRESS.fullmatch(address)
    if match is None:
        raise SpecInvalid(f"not a PCI address: {address!r}")
    return devices.Hostdev(devices.HostdevSource(devices.PciAddress(*(f"0x{part}" for part in match.groups()))))


def _inputs(asked: Hardware) -> tuple[devices.Input, ...]:
    if asked.tablet is None:
        return ()
    return (
        devices.Input("tablet", asked.tablet),
        *([devices.Input("keyboard", asked.tablet)] if asked.keyboard else []),
    )


def _tpm(spec: ServerSpec) -> devices.Tpm | None:
    asked = spec.hardware.tpm
    if asked is None:
        return None
    encryption = devices.TpmEncryption(tpm.secret_id(spec.id))
    return devices.Tpm(asked.model, devices.TpmBackend(asked.version, encryption))


def _controllers(spec: ServerSpec, policy: HostPolicy) -> list[devices.Controller]:
    # Without a USB controller the firmware has none to scan; keyboard and mouse are PS/2.
    asked = spec.hardware
    usb = any(bus_of(item) == "usb" for item in spec.disks) or "usb" in (asked.tablet, asked.sound)
    inputs = len(_inputs(asked)) if asked.tablet == "virtio" else 0
    controllers = [devices.Controller(type="usb", model="qemu-xhci" if usb else "none")]
    scsi = any(bus_of(item) == "scsi" for item in spec.disks)
    if scsi:
        controllers.append(devices.Controller(type="scsi", model="virtio-scsi"))
    if "q35" in _machine(spec, policy):
        # virtio's balloon, random numbers and serial (of the channel) have a port each, as every virtio disk and card.
        used = (
            2
            + spec.hardware.guest_agent
            + scsi
            + usb
            + inputs
            + len(spec.interfaces)
            + len(asked.devices)
            + sum(bus_of(item) == "virtio" for item in spec.disks)
        )
        controllers.append(devices.Controller(type="pci", model="pcie-root"))
        controllers += [devices.Controller(type="pci", model="pcie-root-port")] * (used + SPARE_PORTS)
    return controllers


def _interface_driver(spec: InterfaceSpec) -> interface.InterfaceDriver | None:
    queues = spec.queues if spec.queues > 1 else None
    if spec.model == "virtio" and not spec.offloads:
        return interface.InterfaceDriver(queues, host=interface.HostOffloads(), guest=interface.GuestOffloads())
    return interface.InterfaceDriver(queues) if queues else None


def card(spec: InterfaceSpec) -> interface.Interface:
    """The element of a card."""
    return interface.Interface(
        mac=interface.Mac(spec.mac),
        source=interface.BridgeSource(spec.bridge),
        virtual_port=interface.VirtualPort(interface.VirtualPortParameters(spec.port_id)) if spec.openvswitch else None,
        target=interface.InterfaceTarget(spec.tap),
        model=interface.InterfaceModel(spec.model),
        driver=_interface_driver(spec),
        mtu=interface.Mtu(spec.mtu),
    )
