"""Shutting down a host. Needs neither the database nor the broker: they may be down already."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from workers.drivers.errors import RetryableError
from workers.drivers.hypervisor.base import DomainInfo, HypervisorDriver, PowerState
from workers.drivers.network.base import NetworkDriver, PluggedPort
from workers.host import boot, drivers


def run(*, timeout_s: float, forget_saved: bool = False) -> Iterator[str]:
    """Power off every guest (asking first, for ``timeout_s`` seconds), then take definitions away, ports
    that guests left plugged, and exports of volumes.

    Suspended servers stay defined, off, with their saved memory, unless ``forget_saved``: they can be resumed later.
    No other domain does; recovery defines again what it starts.
    """
    for name in drivers.host_names():
        host = drivers.make(name)
        known = host.hypervisor.list_domains()
        domains = [info for info in known if str(info.power_state) == "running"]
        boot.forget(host.paths)
        with ThreadPoolExecutor(max_workers=8) as pool:
            stops = [pool.submit(host.hypervisor.stop, info.id, timeout_s) for info in domains]
        for stop in stops:
            stop.result()
        for info in known:
            if forget_saved or not _is_saved(host.hypervisor, info):
                host.hypervisor.destroy(info.id)
        ports = _plugged(host.network)
        for port in ports:
            host.network.unplug(port.id)
        exports = host.volume.list_exports()
        for export in exports:
            host.volume.close_export(export.volume_id, export.name)
        connections = host.volume.list_connections()
        for connection in connections:
            host.volume.disconnect(connection.owner)
        host.hypervisor.close()
        host.network.close()
        count = len(exports) + len(connections)
        closed = f", {count} volumes closed" if count else ""
        yield f"{name}: {len(domains)} servers powered off, {len(ports)} ports unplugged{closed}"


def _is_saved(hypervisor: HypervisorDriver, info: DomainInfo) -> bool:
    """Whether the guest is off, with its memory saved. One that sleeps by its own wish is on, and is powered off."""
    if info.power_state != PowerState.SUSPENDED:
        return False
    hypervisor.stop(info.id, 0)
    after = hypervisor.info(info.id)
    return after is not None and after.power_state == PowerState.SUSPENDED


def _plugged(network: NetworkDriver) -> tuple[PluggedPort, ...]:
    """A switch that is down carries nothing, and what it lists without a tap is removed when it is up again."""
    try:
        return network.list_ports()
    except RetryableError:
        return ()
