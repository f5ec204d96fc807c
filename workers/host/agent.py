"""The agent of one or more hosts: what it does beside serving its queue."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from apps.scheduling.services import hosts as host_services
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import HostUse
from workers.host import events, http, recovery

log = structlog.get_logger("celerity.agent")
EVENTS_LOCK_SECONDS = 5.0


class Agent:
    """Registers its hosts, then tells that they live and watches their hypervisors until it is stopped."""

    def __init__(self, hosts: Sequence[HostDrivers]) -> None:
        self.hosts = list(hosts)
        self._http, self.url = http.serve()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watches: list[Callable[[], None]] = []
        self._guests: dict[str, int] = {}  # host -> guests, as told last

    def start(self) -> None:
        """Register, watch for events, recover, and begin the heartbeat. Raises what the hypervisor raises."""
        for drivers in self.hosts:
            register(drivers, self.url)
        self._spawn("heartbeat", self._beat)
        for drivers in self.hosts:
            self._watches.append(drivers.hypervisor.watch(events.reporter(drivers)))
        self._spawn("recovery", self._recover)

    def stop(self) -> None:
        self._stop.set()
        self._http.shutdown()
        for end in self._watches:
            end()
        for thread in self._threads:
            thread.join(timeout=5)
        for drivers in self.hosts:
            drivers.hypervisor.close()
            drivers.network.close()

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _beat(self) -> None:
        turn = 0
        while not self._stop.wait(settings.HEARTBEAT_SECONDS):
            turn += 1
            try:
                close_old_connections()
                self._beat_once(refresh=turn % 12 == 0)
            except Exception as error:
                log.warning("heartbeat failed", error=f"{type(error).__name__}: {error}"[:300])
                connection.close()

    def _beat_once(self, *, refresh: bool) -> None:
        uses = {drivers.host: _use(drivers) for drivers in self.hosts}
        alive = [drivers for drivers in self.hosts if uses[drivers.host] is not None]
        guests = {host: use.servers for host, use in uses.items() if use is not None}
        # What has changed is told; now and then all of it, for the rows may come from a backup.
        told = {} if refresh else self._guests
        changed = {host: count for host, count in guests.items() if told.get(host) != count}
        host_services.heartbeat(names=[drivers.host for drivers in alive], running=changed, uptime=_uptime())
        self._guests = guests
        if refresh:
            for drivers in alive:
                register(drivers, self.url)

    def _recover(self) -> None:
        """Bring servers back, then look again now and then for what no row owns."""
        wait = 0.0
        while not self._stop.wait(wait):
            for drivers in self.hosts:
                try:
                    close_old_connections()
                    recovery.recover(drivers)
                except Exception as error:
                    log.warning("recovery failed", host=drivers.host, error=f"{type(error).__name__}: {error}"[:500])
                    connection.close()
            wait = settings.RECOVERY_SECONDS


def register(drivers: HostDrivers, url: str) -> None:
    """Write what the host is and has."""
    facts = drivers.hypervisor.facts()
    host_services.register(
        name=drivers.host,
        agent_url=url,
        vcpus=facts.vcpus,
        ram_mib=facts.ram_mib,
        disk_gib=facts.disk_gib,
        facts={
            "hypervisor_type": facts.hypervisor_type,
            "hypervisor_version": facts.hypervisor_version,
            "virt_type": facts.virt_type,
            "arch": facts.arch,
            "cpu_info": dict(facts.cpu_info),
            "traits": list(facts.traits),
        },
    )


def _use(drivers: HostDrivers) -> HostUse | None:
    """Return what is in use. A host whose hypervisor does not answer is not alive, though its agent is: None."""
    try:
        return drivers.hypervisor.use()
    except Exception as error:
        log.warning("hypervisor does not answer", host=drivers.host, error=str(error)[:300])
        return None


def _uptime() -> str:
    with open("/proc/uptime", encoding="ascii") as file:
        seconds = int(float(file.read().split()[0]))
    return (
        f" {time.strftime('%H:%M:%S')} up {seconds // 86400} days, {seconds % 86400 // 3600}:{seconds % 3600 // 60:02d}"
    )
