"""The agent of one or more hosts: everything besides serving the queue."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from apps.networking import rpcapi as routing
from apps.networking.selectors import routers
from apps.scheduling.selectors import hosts as host_selectors
from apps.scheduling.services import hosts as host_services
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.host import certificates, events, http, pools, precaching, recovery
from workers.host.counting import GuestCounts
from workers.system import addresses

log = structlog.get_logger("celerity.agent")


class Agent:
    """Registers its hosts, then sends heartbeats and watches their hypervisors until stopped."""

    def __init__(self, hosts: Sequence[HostDrivers]) -> None:
        self.hosts = list(hosts)
        self._http, self.url = http.serve()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watches: list[Callable[[], None]] = []
        self._counts = GuestCounts(self.hosts)

    def start(self) -> None:
        """Register, watch for events, recover, and begin the heartbeat. Raises what the hypervisor raises."""
        known = set(host_selectors.names())
        for drivers in self.hosts:
            register(drivers, self.url)
        if not known.issuperset(drivers.host for drivers in self.hosts):
            # A new host may be a router's gateway, and the cloud's first one has to be.
            routing.changed(routers=routers.with_gateways())
        self._spawn("heartbeat", self._beat)
        self._spawn("census", self._take_census)
        for drivers in self.hosts:
            self._watches.append(drivers.hypervisor.watch(events.reporter(drivers)))
        self._spawn("recovery", self._recover)
        self._spawn("precaching", self._fetch_ahead)

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
        while not self._stop.wait(settings.HEARTBEAT_SECONDS):
            try:
                close_old_connections()
                self._beat_once()
            except Exception as error:
                log.warning("heartbeat failed", error=f"{type(error).__name__}: {error}"[:300])
                connection.close()

    def _beat_once(self) -> None:
        """Report every host whose hypervisor answers, with the counts that the census has by now.

        Nothing here asks about a guest: a domain that vanishes or is busy must not make its host look dead.
        """
        alive = [drivers.host for drivers in self.hosts if _answers(drivers)]
        changed = self._counts.changed()
        host_services.heartbeat(names=alive, running=changed, uptime=_uptime())
        self._counts.reported(changed)

    def _take_census(self) -> None:
        """Count guests, and now and then report everything again: the rows may come from a backup."""
        turn = 0
        while not self._stop.is_set():
            self._counts.refresh()
            if turn % 12 == 11:
                self._register_again()
            turn += 1
            self._stop.wait(settings.HEARTBEAT_SECONDS)

    def _register_again(self) -> None:
        self._counts.forget_reported()
        for drivers in self.hosts:
            try:
                close_old_connections()
                register(drivers, self.url)
            except Exception as error:
                log.warning("registration failed", host=drivers.host, error=f"{type(error).__name__}: {error}"[:300])
                connection.close()

    def _recover(self) -> None:
        """Recover servers, then look for orphans periodically."""
        wait = 0.0
        while not self._stop.wait(wait):
            close_old_connections()
            certificates.renew()
            for drivers in self.hosts:
                try:
                    close_old_connections()
                    recovery.recover(drivers)
                except Exception as error:
                    log.warning("recovery failed", host=drivers.host, error=f"{type(error).__name__}: {error}"[:500])
                    connection.close()
            wait = settings.RECOVERY_SECONDS

    def _fetch_ahead(self) -> None:
        """Fetch images before servers ask for them: on a thread that may take its time."""
        while not self._stop.wait(settings.RECOVERY_SECONDS):
            for drivers in self.hosts:
                try:
                    close_old_connections()
                    precaching.fetch(drivers)
                except Exception as error:
                    log.warning(
                        "caching ahead failed", host=drivers.host, error=f"{type(error).__name__}: {error}"[:500]
                    )
                    connection.close()


def register(drivers: HostDrivers, url: str) -> None:
    """Write the host's attributes, inventory and pools of volumes."""
    facts, shares = drivers.hypervisor.facts(), drivers.storage.capabilities.shared
    disk_gib = _pool_gib(drivers) if shares else facts.disk_gib
    host_services.register(
        name=drivers.host,
        agent_url=url,
        vcpus=facts.vcpus,
        ram_mib=facts.ram_mib,
        disk_gib=disk_gib,
        shares_disk=shares,
        facts={
            **({"address": address} if (address := addresses.resolved(settings.HOST_ADDRESS)) else {}),
            "hypervisor_type": facts.hypervisor_type,
            "hypervisor_version": facts.hypervisor_version,
            "virt_type": facts.virt_type,
            "arch": facts.arch,
            "cpu_info": dict(facts.cpu_info),
            "traits": list(facts.traits),
            "topology": dict(facts.topology),
        },
    )
    pools.report(drivers)


def _pool_gib(drivers: HostDrivers) -> int | None:
    """Return the room of the pool that has servers' disks; None while it does not answer."""
    try:
        return drivers.storage.usage().total_gib
    except DriverError as error:
        log.warning("pool not read", host=drivers.host, error=error.details or error.message)
        return None


def _answers(drivers: HostDrivers) -> bool:
    """A host whose hypervisor does not answer counts as dead, even while its agent lives."""
    try:
        drivers.hypervisor.ping()
    except Exception as error:
        log.warning("hypervisor does not answer", host=drivers.host, error=str(error)[:300])
        return False
    return True


def _uptime() -> str:
    with open("/proc/uptime", encoding="ascii") as file:
        seconds = int(float(file.read().split()[0]))
    return (
        f" {time.strftime('%H:%M:%S')} up {seconds // 86400} days, {seconds % 86400 // 3600}:{seconds % 3600 // 60:02d}"
    )
