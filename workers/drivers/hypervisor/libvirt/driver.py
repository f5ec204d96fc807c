"""The hypervisor contract over libvirt: QEMU guests, with KVM or emulated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import libvirt

from workers.drivers.hypervisor.base import (
    CONSOLE_MAX_BYTES,
    Capabilities,
    Diagnostics,
    DomainInfo,
    HostFacts,
    HostUse,
    HypervisorDriver,
    InterfaceSpec,
    PowerState,
    ServerSpec,
    WatchCallback,
)
from workers.drivers.hypervisor.errors import (
    AttachFailed,
    ServerNotFound,
    SoftRebootFailed,
    SpawnFailed,
    SuspendFailed,
)
from workers.drivers.hypervisor.libvirt import cards, console, counters, domains, host, managed_save, secrets, tpm, uefi
from workers.drivers.hypervisor.libvirt.connection import Connection
from workers.drivers.hypervisor.libvirt.definition import HostPolicy, card, define
from workers.drivers.hypervisor.libvirt.disks import LibvirtDisks
from workers.drivers.hypervisor.libvirt.events import Watchers
from workers.drivers.hypervisor.libvirt.failures import translated
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.libvirt.keys import LibvirtKeys
from workers.drivers.hypervisor.libvirt.live import LibvirtLive
from workers.drivers.hypervisor.libvirt.moves import LibvirtMoves
from workers.drivers.hypervisor.libvirt.policy import policy_from
from workers.system import files
from workers.system.paths import HostPaths
from workers.system.undo import Undo


class LibvirtDriver(LibvirtDisks, LibvirtKeys, LibvirtLive, LibvirtMoves, HypervisorDriver):
    """Options: `state_dir` (required), `uri` (qemu:///system), `virt_type` (auto, kvm, qemu), and those of HostPolicy:
    `machine`, `cpu_mode`, `cpu_model`, `cpu_features`, `disk_cache`, `tcg_cache_mib`, `arch`, `dedicated_cpus`,
    `shared_cpus`.
    """

    capabilities = Capabilities(pause=True, soft_reboot=True, vnc_console=True, real_guests=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is opened."""
        self.paths = HostPaths(Path(options["state_dir"]))
        self.policy = policy_from(options)
        self._home = self.policy.home
        self._watchers = Watchers(lambda: self._connection, self._home)
        self._connection = Connection(str(options.get("uri", "qemu:///system")), self._watchers.register)

    def facts(self) -> HostFacts:
        """The state directory is made when it is missing."""
        files.make_directory(self.paths.root, 0o711)
        with translated():
            return self._connection.run(lambda it: host.read_facts(it, self.policy, self.paths.root))

    def ping(self) -> None:
        """libvirt answers this from its own memory, on a thread that no domain's job can hold."""
        with translated():
            self._connection.run(lambda it: it.getLibVersion())

    def use(self) -> HostUse:
        with translated():
            infos = self._connection.run(lambda it: domains.survey(it, self._home, lambda domain: domain.info()))
        on = [item for item in infos if item[0] not in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED)]
        files.make_directory(self.paths.root, 0o711)
        return HostUse(
            vcpus=sum(item[3] for item in on),
            ram_mib=sum(item[1] for item in on) // 1024,
            disk_gib=shutil.disk_usage(self.paths.root).used >> 30,
            servers=len(infos),
        )

    def spawn(self, spec: ServerSpec) -> DomainInfo:
        with translated(SpawnFailed), Undo() as undo:
            info = self._connection.run(lambda it: self._power_on(it, spec, undo))
            undo.commit()
        return info

    def start(self, spec: ServerSpec) -> DomainInfo:
        with translated(SpawnFailed):
            return self._connection.run(lambda it: self._power_on(it, spec, None))

    def stop(self, server_id: str, graceful_timeout_s: float) -> None:
        with translated():
            self._connection.run(lambda it: self._stop(it, server_id, graceful_timeout_s))

    def reboot(self, server_id: str, timeout_s: float) -> None:
        with translated(SpawnFailed):
            domain = self._existing(server_id)
            if not domains.ask_power_off(domain, timeout_s):
                raise SoftRebootFailed(
                    "The server did not react to the request to reboot.", details=f"waited {timeout_s:g} s"
                )
            managed_save.discard(domain)
            domains.power_on(domain)
            domains.close_console(domains.read(domain, with_devices=True))

    def hard_reboot(self, spec: ServerSpec) -> DomainInfo:
        def work(connection: libvirt.virConnect) -> DomainInfo:
            domain = domains.find(connection, spec.id, self._home)
            if domain is not None:
                domains.power_off(domain)
                managed_save.discard(domain)
            return self._power_on(connection, spec, None)

        with translated(SpawnFailed):
            return self._connection.run(work)

    def lend_tpm(self, server_id: str, secret: str) -> None:
        with translated():
            self._connection.run(lambda it: tpm.lend(it, server_id, secret))

    def pause(self, server_id: str) -> None:
        with translated():
            domain = self._existing(server_id)
            if domains.power_state(domain) != PowerState.PAUSED:
                domain.suspend()

    def unpause(self, server_id: str) -> None:
        with translated():
            domain = self._existing(server_id)
            if domains.power_state(domain) != PowerState.RUNNING:
                domain.resume()

    def suspend(self, server_id: str, stop: Event) -> None:
        with translated(SuspendFailed):
            managed_save.suspend(self._existing(server_id), stop)

    def resume(self, server_id: str) -> None:
        with translated(SpawnFailed):
            managed_save.resume(self._existing(server_id))

    def inject_nmi(self, server_id: str) -> None:
        with translated():
            self._existing(server_id).injectNMI(0)

    def diagnostics(self, server_id: str) -> Diagnostics:
        with translated():
            return counters.read(self._existing(server_id), self.policy.virt_type)

    def attach_interface(self, server_id: str, interface: InterfaceSpec) -> None:
        with translated(AttachFailed):
            domain = self._connection.run(lambda it: domains.find(it, server_id, self._home))
            if domain is not None:
                cards.attach(domain, card(interface))

    def detach_interface(self, server_id: str, tap: str, timeout_s: float) -> None:
        try:
            with translated(AttachFailed):
                domain = self._connection.run(lambda it: domains.find(it, server_id, self._home))
                if domain is not None:
                    cards.detach(domain, tap, timeout_s)
        except ServerNotFound:
            """It went meanwhile, and its cards with it."""

    def destroy(self, server_id: str, *, keep: bool = True) -> None:
        with translated():
            self._connection.run(lambda it: self._destroy(it, server_id, keep))

    def info(self, server_id: str) -> DomainInfo | None:
        def work(connection: libvirt.virConnect) -> DomainInfo | None:
            domain = domains.find(connection, server_id, self._home)
            return None if domain is None else domains.read(domain, with_devices=True)

        try:
            with translated():
                return self._connection.run(work)
        except ServerNotFound:  # it went between being found and being read
            return None

    def list_domains(self) -> tuple[DomainInfo, ...]:
        """VNC addresses are left out; `info` has them."""

        def work(connection: libvirt.virConnect) -> tuple[DomainInfo, ...]:
            return tuple(domains.survey(connection, self._home, partial(domains.read, with_devices=False)))

        with translated():
            return self._connection.run(work)

    def console_output(self, server_id: str, max_bytes: int = CONSOLE_MAX_BYTES) -> bytes:
        """Reads the files that virtlogd writes."""
        return console.tail(self.paths.console_log(server_id), max_bytes)

    def watch(self, callback: WatchCallback) -> Callable[[], None]:
        with translated():
            return self._watchers.add(callback)

    def close(self) -> None:
        self._watchers.close()
        self._connection.close()

    def _lookup(self, server_id: str) -> libvirt.virDomain | None:
        return self._connection.run(lambda it: domains.find(it, server_id, self._home))

    def _existing(self, server_id: str) -> libvirt.virDomain:
        domain = self._lookup(server_id)
        if domain is None:
            raise ServerNotFound("The server does not exist on its host.", details=server_id)
        return domain

    def _power_on(self, connection: libvirt.virConnect, spec: ServerSpec, undo: Undo | None) -> DomainInfo:
        """Start the domain; with `undo`, push the undo of this call onto it."""
        there = known = domains.find_any(connection, spec.id)
        if there is not None and not domains.is_ours(there, self._home):
            raise SpawnFailed("The host has another machine of the same id.", details=spec.id)
        if there is None or not domains.is_active(there):
            if undo is not None:
                undo.push(self.destroy, spec.id)
            if there is not None and not domains.is_saved(there) and uefi.has_other_keys(there, spec):
                self._destroy(connection, spec.id, True)
                there = None
            tpm.prepare(connection, spec)
            if there is None or not domains.is_saved(there):
                there = self._define(connection, spec)
                uefi.bring(there, Path(spec.instance_dir))
            domains.power_on(there)
        if known is not None:
            managed_save.discard_stale(known)
        info = domains.read(there, with_devices=True)
        domains.close_console(info)
        return info

    def _whole_policy(self, connection: libvirt.virConnect) -> HostPolicy:
        """Without a set of shared processors, those that are not dedicated are shared."""
        if self.policy.dedicated_cpus and not self.policy.shared_cpus:
            known = host.topology(parse(connection.getCapabilities()), self.policy)
            self.policy = replace(self.policy, shared_cpus=tuple(known["shared"]))
        return self.policy

    def _define(self, connection: libvirt.virConnect, spec: ServerSpec) -> libvirt.virDomain:
        machine = spec.hardware.machine
        if machine and not host.has_machine(connection, self.policy, machine):
            raise SpawnFailed(f"The host has no machine of the type {machine[:64]}.")
        files.make_directory(Path(spec.instance_dir), 0o711)
        secrets.keep_of(connection, spec.disks)
        # libvirt sets what `define` leaves open (addresses of devices) only for a definition that is new.
        domain = connection.defineXMLFlags(define(spec, self._whole_policy(connection)).xml(), 0)
        if spec.on_addresses is not None:
            spec.on_addresses(domains.addresses(domain))
        return domain

    def _stop(self, connection: libvirt.virConnect, server_id: str, graceful_timeout_s: float) -> None:
        domain = domains.find(connection, server_id, self._home)
        if domain is None:
            return
        variables = uefi.find(domain)
        managed_save.discard_stale(domain)
        if graceful_timeout_s > 0 and domains.power_state(domain) == PowerState.RUNNING:
            domains.ask_power_off(domain, graceful_timeout_s)
        domains.power_off(domain)
        tpm.keep(server_id, self.paths.instance(server_id))
        uefi.keep(variables, self.paths.instance(server_id))

    def _destroy(self, connection: libvirt.virConnect, server_id: str, keep: bool) -> None:
        domain = domains.find(connection, server_id, self._home)
        if domain is None:
            return
        variables = uefi.find(domain) if keep else None
        domains.power_off(domain)
        if keep:
            tpm.keep(server_id, self.paths.instance(server_id))
            uefi.keep(variables, self.paths.instance(server_id))
        domains.forget(domain)
        tpm.forget(connection, server_id)
