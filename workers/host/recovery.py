"""Recovery: after the agent, the hypervisor or the machine restarted, servers are as their rows say.

Sets, per host:
  wanted  = servers whose rows are on this host and are neither deleted nor building
  present = Celerity's domains on the host
  running = those of present that run
Rules:
  wanted and ACTIVE by its row, not running      -> started, if it ran before the machine restarted
  in no row (deleted, or built elsewhere), present -> destroyed, with its ports and files
  wanted and running, STOPPED by its row          -> written as it is
Servers with a run under way are left to the run.
"""

import uuid
from typing import Any

import structlog

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import progress
from apps.networking.selectors import bindings
from apps.networking.values import PortFacts
from apps.workflow.selectors import runs
from apps.workflow.services import leases
from workers.config import HostDrivers
from workers.host import boot
from workers.mapping import networks, servers

log = structlog.get_logger("celerity.agent")
SETTLED = (states.ACTIVE, states.STOPPED, states.PAUSED)


def recover(drivers: HostDrivers) -> dict[str, int]:
    """Make the host what the rows say. Returns what was found, by kind; a healthy host has nothing."""
    # What is on the host is listed before the rows are read: rows are written first and removed last.
    plugged = {port.id: port for port in drivers.network.list_ports()}
    domains = {info.id: str(info.power_state) for info in drivers.hypervisor.list_domains()}
    files = set(drivers.storage.list_servers())
    rows = {str(server.id): server for server in selectors.on_host(host=drivers.host)}
    restarted = boot.restarted(drivers.paths)
    found = {"restarted": 0, "corrected": 0, "removed": 0, "unplugged": 0}
    _restore_networks(drivers, set(plugged))
    for server_id, server in rows.items():
        if server.vm_state in SETTLED and not server.task_state:
            _settle(drivers, server, domains.get(server_id), restarted, found)
    for server_id in sorted((files | set(domains)) - set(rows)):
        found["removed"] += _remove_stranger(drivers, uuid.UUID(server_id))
    found["unplugged"] = _unplug_strangers(drivers, plugged)
    boot.remember(drivers.paths)
    if any(found.values()):
        log.info("recovered", host=drivers.host, machine_restarted=restarted, **found)
    return found


def _restore_networks(drivers: HostDrivers, plugged: set[str]) -> None:
    """Have the networks of bound ports whole, and the ports plugged; what is there already stays as it is."""
    ensured: set[str] = set()
    for facts in bindings.specs_for_host(host=drivers.host):
        network = networks.network_spec(facts.network)
        try:
            if network.id not in ensured:
                drivers.network.ensure_network(network)
                ensured.add(network.id)
            if str(facts.id) not in plugged:
                _plug(drivers, facts)
        except Exception as error:
            log.warning("port not restored", port=str(facts.id), host=drivers.host, error=str(error)[:300])


def _plug(drivers: HostDrivers, facts: PortFacts) -> None:
    """Under the server's lock, and only if the port is still bound: a delete may be under way."""
    server_id = uuid.UUID(facts.server_id)
    if not leases.try_lock(subject_id=server_id):
        return
    try:
        for now in bindings.specs_for_server(server_id=server_id):
            if now.id == facts.id and now.host == drivers.host:
                drivers.network.plug(networks.network_spec(now.network), networks.port_spec(now))
    finally:
        leases.unlock(subject_id=server_id)


def _settle(drivers: HostDrivers, server: Any, power_state: str | None, restarted: bool, found: dict[str, int]) -> None:
    if power_state == "running" or runs.has_active(subject_id=server.id):
        if power_state == "running" and server.vm_state == states.STOPPED:
            found["corrected"] += progress.observed(server_id=server.id, power_state="running")
        return
    if server.vm_state != states.ACTIVE:
        return
    if restarted and leases.try_lock(subject_id=server.id):
        try:
            drivers.hypervisor.start(servers.prepare(server, drivers))
            found["restarted"] += 1
            return
        except Exception as error:
            log.warning("server not restarted", server=str(server.id), host=drivers.host, error=str(error)[:300])
        finally:
            leases.unlock(subject_id=server.id)
    found["corrected"] += progress.observed(server_id=server.id, power_state=power_state or "shutdown")


def _remove_stranger(drivers: HostDrivers, server_id: uuid.UUID) -> int:
    """Destroy what belongs to no server of this host; asked again under the subject's lock."""
    if not leases.try_lock(subject_id=server_id):
        return 0
    try:
        row = selectors.load(server_id=server_id)
        if row is not None and (row.host == drivers.host or runs.is_on(subject_id=server_id, host=drivers.host)):
            return 0
        if row is None and runs.has_active(subject_id=server_id):
            return 0
        drivers.hypervisor.destroy(str(server_id))
        drivers.storage.remove_server(str(server_id))
        log.warning("removed what no row owns", server=str(server_id), host=drivers.host)
        return 1
    finally:
        leases.unlock(subject_id=server_id)


def _unplug_strangers(drivers: HostDrivers, plugged: dict[str, Any]) -> int:
    known = {str(facts.id) for facts in bindings.specs_for_host(host=drivers.host)}
    strangers = [port for key, port in plugged.items() if key not in known]
    for port in strangers:
        drivers.network.unplug(port.network_id, port.id)
    return len(strangers)
