"""The simulated hypervisor: servers that are files. For trying a cloud of thousands of hosts on one machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from workers.drivers import values
from workers.drivers.hypervisor.base import (
    CONSOLE_MAX_BYTES,
    Capabilities,
    DomainInfo,
    HostFacts,
    HostUse,
    HypervisorDriver,
    InterfaceSpec,
    PowerState,
    ServerSpec,
    WatchCallback,
)
from workers.drivers.hypervisor.simulated_disks import SimulatedDisks, name_of
from workers.drivers.hypervisor.simulated_guests import SimulatedGuests
from workers.drivers.hypervisor.simulated_keys import SimulatedKeys
from workers.drivers.hypervisor.simulated_live import SimulatedLive
from workers.drivers.hypervisor.simulated_moves import SimulatedMoves
from workers.drivers.hypervisor.simulated_records import ON, cpus_of, image_of, info_of
from workers.drivers.hypervisor.simulated_watch import POLLER
from workers.drivers.simulation import Simulation

# The traits of a common processor and of the real driver.
TRAITS = (
    "COMPUTE_FIRMWARE_BIOS",
    "COMPUTE_FIRMWARE_UEFI",
    *(f"COMPUTE_GRAPHICS_MODEL_{model}" for model in ("BOCHS", "CIRRUS", "NONE", "VGA", "VIRTIO")),
    "COMPUTE_IMAGE_TYPE_QCOW2",
    "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_IMAGE_TYPE_VDI",
    "COMPUTE_IMAGE_TYPE_VHD",
    "COMPUTE_IMAGE_TYPE_VHDX",
    "COMPUTE_IMAGE_TYPE_VMDK",
    *(f"COMPUTE_NET_VIF_MODEL_{model}" for model in ("E1000", "E1000E", "RTL8139", "VIRTIO")),
    "COMPUTE_NET_VIRTIO_PACKED",
    "COMPUTE_NODE",
    *(f"COMPUTE_STORAGE_BUS_{bus}" for bus in ("IDE", "SATA", "SCSI", "VIRTIO")),
    *(f"COMPUTE_SECURITY_TPM_{word}" for word in ("1_2", "2_0", "CRB", "TIS")),
    *(f"COMPUTE_SOUND_MODEL_{model}" for model in ("AC97", "ES1370", "ICH6", "ICH9", "SB16", "USB")),
    *(f"COMPUTE_VIOMMU_MODEL_{model}" for model in ("AUTO", "INTEL", "VIRTIO")),
    "CUSTOM_CPU_LIMITS",
    "CUSTOM_LARGE_PAGES",
    "CUSTOM_LOCKED_MEMORY",
    "CUSTOM_VIRT_TYPE_SIMULATED",
    "HW_CPU_X86_AESNI",
    "HW_CPU_X86_AVX",
    "HW_CPU_X86_AVX2",
    "HW_CPU_X86_SSE2",
    "HW_CPU_X86_SSE41",
    "HW_CPU_X86_SSE42",
    "HW_CPU_X86_SSSE3",
)
_BOOT_TEXT = """\
SeaBIOS (version 1.16.2)
Booting from Hard Disk...
[    0.000000] Linux version 6.1.0-celerity (simulated) #1 SMP
[    0.000000] Command line: console=ttyS0
[    0.004000] Booting paravirtualized kernel on bare hardware
[    0.120000] smpboot: Total of {vcpus} processors activated
[    0.480000] Memory: {ram_kib}K available
[    0.910000] virtio_blk virtio1: [vda] attached
[    1.200000] random: crng init done
cloud-init: config drive found
cloud-init: instance {id}
cloud-init: finished at boot {boots}

Simulated guest {name} ttyS0

{name} login: """


def _topology(vcpus: int, ram_mib: int, dedicated: list[int], models: Iterable[str]) -> dict[str, Any]:
    """Two cells, a sixteenth of their memory in pages of 2 MiB; and a PCI device of each of these models."""
    pci = [{"address": f"0000:{bus:02x}:00.0", "model": model} for bus, model in enumerate(models, 16)]
    halves = (range(vcpus // 2), range(vcpus // 2, vcpus))
    pages = {"2048": ram_mib // 64}
    cells = [
        {"id": index, "cpus": list(cpus), "siblings": [[cpu] for cpu in cpus], "memory": ram_mib // 2, "pages": pages}
        for index, cpus in enumerate(halves)
    ]
    return {"dedicated": dedicated, "shared": sorted({*range(vcpus)} - {*dedicated}), "cells": cells, "pci": pci}


class SimulatedHypervisor(
    SimulatedGuests, SimulatedDisks, SimulatedKeys, SimulatedLive, SimulatedMoves, HypervisorDriver
):
    """Options: `state_dir` and `host` (required), `plan_file`, `vcpus` (64), `ram_mib` (262144), `disk_gib` (2048),
    `traits` (a few), `watch_interval_s` (0.5).
    """

    capabilities = Capabilities(pause=True, soft_reboot=True, vnc_console=False, real_guests=False)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)
        self._options = dict(options)
        self._interval_s = float(options.get("watch_interval_s", 0.5))
        self._endings: list[Callable[[], None]] = []

    def facts(self) -> HostFacts:
        """The options' attributes."""
        with self._simulation.operation("facts"):
            vcpus = int(self._options.get("vcpus", 64))
            dedicated = sorted(cpu for cpu in self._options.get("dedicated_cpus") or () if cpu < vcpus)
            own = {"CUSTOM_DEDICATED_CPUS", "CUSTOM_REALTIME_CPUS"} if dedicated else set()
            return HostFacts(
                hypervisor_type="simulated",
                hypervisor_version=1000000,
                virt_type="simulated",
                arch="x86_64",
                cpu_model="simulated",
                cpu_info={
                    "arch": "x86_64",
                    "model": "simulated",
                    "vendor": "Celerity",
                    "topology": {"sockets": 1, "cores": vcpus, "threads": 1},
                    "features": [],
                },
                vcpus=vcpus - len(dedicated),
                ram_mib=int(self._options.get("ram_mib", 262144)),
                disk_gib=int(self._options.get("disk_gib", 2048)),
                traits=tuple(sorted({*self._options.get("traits", TRAITS), *own})),
                topology=_topology(
                    vcpus, int(self._options.get("ram_mib", 262144)), dedicated, self._options.get("pci_devices", ())
                ),
            )

    def ping(self) -> None:
        with self._simulation.operation("ping"):
            return

    def use(self) -> HostUse:
        """The disk in use is the servers' root disks', as the storage driver recorded them."""
        with self._simulation.operation("use"):
            records = [record for _, record in self._records()]
            on = [record for record in records if record["power_state"] in ON]
            return HostUse(
                vcpus=sum(record["vcpus"] for record in on),
                ram_mib=sum(record["ram_mib"] for record in on),
                disk_gib=self._disk_gib(),
                servers=len(records),
            )

    def spawn(self, spec: ServerSpec) -> DomainInfo:
        with self._simulation.operation("spawn") as operation:
            before = self._simulation.read("domains", spec.id)
            if before is not None and before["power_state"] in ON:
                return info_of(before)
            try:
                if self._simulation.may_strike():  # the half of the work that a crash would leave behind
                    self._write(spec, PowerState.NOSTATE, before)
                    operation.halfway()
                return self._write(spec, PowerState.RUNNING, before)
            except Exception:
                self._simulation.remove("domains", spec.id)
                raise

    def start(self, spec: ServerSpec) -> DomainInfo:
        with self._simulation.operation("start") as operation:
            before = self._simulation.read("domains", spec.id)
            if before is not None and before["power_state"] in ON:
                return info_of(before)
            operation.halfway()
            return self._write(spec, PowerState.RUNNING, before)

    def stop(self, server_id: str, graceful_timeout_s: float) -> None:
        """A simulated guest always hears the power button."""
        with self._simulation.operation("stop") as operation:
            operation.halfway()
            record = self._simulation.read("domains", server_id)
            if record is not None and record["power_state"] != PowerState.SUSPENDED:
                self._set(server_id, PowerState.SHUTDOWN)

    def reboot(self, server_id: str, timeout_s: float) -> None:
        with self._simulation.operation("reboot") as operation:
            record = self._existing(server_id)
            operation.halfway()
            record["boots"] += 1
            record["power_state"] = PowerState.RUNNING
            self._simulation.write("domains", server_id, record)

    def hard_reboot(self, spec: ServerSpec) -> DomainInfo:
        with self._simulation.operation("hard_reboot") as operation:
            before = self._simulation.read("domains", spec.id)
            operation.halfway()
            return self._write(spec, PowerState.RUNNING, before)

    def attach_interface(self, server_id: str, interface: InterfaceSpec) -> None:
        with self._simulation.operation("attach_interface") as operation:
            operation.halfway()
            self._set_cards(server_id, lambda taps: {*taps, interface.tap})

    def detach_interface(self, server_id: str, tap: str, timeout_s: float) -> None:
        """A simulated guest releases a card at once."""
        with self._simulation.operation("detach_interface") as operation:
            operation.halfway()
            self._set_cards(server_id, lambda taps: taps - {tap})

    def destroy(self, server_id: str, *, keep: bool = True) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("destroy") as operation:
            operation.halfway()
            self._simulation.remove("domains", server_id)

    def info(self, server_id: str) -> DomainInfo | None:
        with self._simulation.operation("info"):
            record = self._simulation.read("domains", server_id)
            return None if record is None else info_of(record)

    def list_domains(self) -> tuple[DomainInfo, ...]:
        with self._simulation.operation("list_domains"):
            return tuple(info_of(record) for _, record in self._records())

    def console_output(self, server_id: str, max_bytes: int = CONSOLE_MAX_BYTES) -> bytes:
        """A plausible boot, as often as the server was booted."""
        with self._simulation.operation("console_output"):
            record = self._simulation.read("domains", server_id)
            if record is None:
                return b""
            values_by_name = {**record, "ram_kib": record["ram_mib"] * 1024}
            texts = [_BOOT_TEXT.format_map({**values_by_name, "boots": n + 1}) for n in range(record["boots"])]
            return "\n".join(texts).encode()[-max_bytes:] if max_bytes > 0 else b""

    def watch(self, callback: WatchCallback) -> Callable[[], None]:
        """One thread of the process looks after all simulated hosts."""
        ending = POLLER.add(self._simulation.directory / "domains", callback, self._interval_s)
        self._endings.append(ending)
        return ending

    def close(self) -> None:
        while self._endings:
            self._endings.pop()()

    def _records(self) -> list[tuple[str, dict[str, Any]]]:
        records = ((name, self._simulation.read("domains", name)) for name in self._simulation.names("domains"))
        return [(name, record) for name, record in records if record is not None]

    def _set_cards(self, server_id: str, change: Callable[[set[str]], set[str]]) -> None:
        record = self._simulation.read("domains", server_id)
        if record is not None:
            record["cards"] = sorted(change(set(record.get("cards", ()))))
            self._simulation.write("domains", server_id, record)

    def _write(self, spec: ServerSpec, state: PowerState, before: Mapping[str, Any] | None) -> DomainInfo:
        boots = before["boots"] if before is not None else 0
        record = {
            "id": spec.id,
            "name": spec.name,
            "power_state": state,
            "vcpus": spec.vcpus,
            "ram_mib": spec.ram_mib,
            "boots": boots + (state == PowerState.RUNNING),
            "cards": [card.tap for card in spec.interfaces],
            "macs": {card.tap: card.mac for card in spec.interfaces},
            "disks": {disk.target: disk.path or image_of(disk) for disk in spec.disks},
            "volumes": [disk.serial for disk in spec.disks if disk.export is not None],
            "sources": {str(disk.serial): name_of(disk.export) for disk in spec.disks if disk.export is not None},
            "agent": spec.hardware.guest_agent,
            "cpus": cpus_of(spec.hardware.placement),
            "at": time.time(),
        }
        self._simulation.write("domains", spec.id, record)
        return info_of(record)

    def _disk_gib(self) -> int:
        records = [self._simulation.read("disks", name) or {} for name in self._simulation.names("disks")]
        return sum(int(disk["size_bytes"]) for record in records for disk in record.values()) >> 30


def power_off_guest(state_dir: str | Path, host: str, server_id: str, *, crashed: bool = False) -> None:
    """Be the guest: power off from the inside, or crash. Watchers are called. Absent is an error: KeyError."""
    simulation = Simulation({"state_dir": state_dir, "host": host})
    record = simulation.read("domains", server_id)
    if record is None:
        raise KeyError(server_id)
    record["power_state"] = PowerState.CRASHED if crashed else PowerState.SHUTDOWN
    simulation.write("domains", server_id, record)


def lose_guest(state_dir: str | Path, host: str, server_id: str) -> None:
    """Simulate an accident: the domain vanishes from the host."""
    Simulation({"state_dir": state_dir, "host": host}).remove("domains", server_id)


def lose_host(state_dir: str | Path, host: str) -> None:
    """Simulate a fire: remove everything on the simulated host."""
    shutil.rmtree(Path(state_dir) / host, ignore_errors=True)
