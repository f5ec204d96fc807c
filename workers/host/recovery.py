"""Recovery: after the agent, the hypervisor or the machine restarted, servers are as their rows say.

Sets, per host:
  wanted  = servers whose rows are on this host and are neither deleted nor building
  present = Celerity's domains on the host
  running = those of present that run
Rules:
  wanted and ACTIVE by its row, not running      -> started, if it ran before the machine restarted
  in no row (deleted, or built elsewhere), present -> destroyed, with its ports and files
  wanted and running, STOPPED by its row          -> written as it is
  an image in the cache, deleted, of no server here -> evicted
Servers with a run under way are left to the run.
"""

import uuid
from contextlib import ExitStack
from typing import Any

import structlog

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import progress
from apps.images.selectors import images
from apps.networking.selectors import bindings
from apps.networking.services import bindings as binding_services
from apps.networking.values import PortFacts
from apps.workflow.selectors import runs
from apps.workflow.services import leases
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.host import boot
from workers.mapping import networks, servers
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.agent")
SETTLED = (states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED)


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
        if server.vm_state in SETTLED and not server.task_state and differs(server, domains.get(server_id)):
            settle(drivers, server.id, restarted=restarted, found=found)
    for server_id in sorted((files | set(domains)) - set(rows)):
        found["removed"] += _remove_stranger(drivers, uuid.UUID(server_id))
    found["unplugged"] = _unplug_strangers(drivers, plugged)
    found["evicted"] = _evict_images(drivers, {server.image_facts.get("sha512") for server in rows.values()})
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


def differs(server: Any, power_state: str | None) -> bool:
    """A first look, without locks: most servers are as their rows say."""
    expected = {states.ACTIVE: "running", states.STOPPED: "shutdown", states.PAUSED: "paused"}
    return (power_state or "shutdown") != expected.get(server.vm_state, "suspended")


def settle(
    drivers: HostDrivers, server_id: uuid.UUID, *, restarted: bool = False, found: dict[str, int] | None = None
) -> None:
    """Make one server what its row says, and the row what the domain is.

    Both are read anew under the server's locks: meanwhile a user may have stopped or deleted it, or its build may
    have ended.
    """
    found = found if found is not None else {"restarted": 0, "corrected": 0}
    with ExitStack() as stack:
        if not _locked(drivers, server_id, stack):
            return
        server = selectors.load(server_id=server_id)
        if server is None or server.host != drivers.host or server.task_state or server.vm_state not in SETTLED:
            return
        if runs.has_active(subject_id=server_id):
            return
        info = drivers.hypervisor.info(str(server_id))
        power_state = str(info.power_state) if info else "shutdown"
        if server.vm_state == states.ACTIVE and power_state != "running" and restarted and _start(drivers, server):
            found["restarted"] += 1
        elif power_state != "nostate":
            changed = progress.observed(server_id=server_id, power_state=power_state)
            if changed:
                binding_services.set_server_status(server_id=server_id, up=power_state == "running")
            found["corrected"] += changed


def _locked(drivers: HostDrivers, server_id: uuid.UUID, stack: ExitStack) -> bool:
    """Hold the server's lease and the host's own lock on it until ``stack`` ends. False: somebody works on it."""
    if not leases.try_lock(subject_id=server_id):
        return False
    stack.callback(leases.unlock, subject_id=server_id)
    try:
        stack.enter_context(config.subjects.hold(f"{drivers.host} {server_id}", 0))
    except LockTimeout:
        return False
    return True


def _start(drivers: HostDrivers, server: Any) -> bool:
    try:
        drivers.hypervisor.start(servers.prepare(server, drivers))
    except Exception as error:
        log.warning("server not restarted", server=str(server.id), host=drivers.host, error=str(error)[:300])
        return False
    return True


def _remove_stranger(drivers: HostDrivers, server_id: uuid.UUID) -> int:
    """Destroy what belongs to no server of this host; asked again under the server's locks."""
    with ExitStack() as stack:
        if not _locked(drivers, server_id, stack):
            return 0
        row = selectors.load(server_id=server_id)
        if row is not None and (row.host == drivers.host or runs.is_on(subject_id=server_id, host=drivers.host)):
            return 0
        if row is None and runs.has_active(subject_id=server_id):
            return 0
        drivers.hypervisor.destroy(str(server_id))
        drivers.storage.remove_server(str(server_id))
        log.warning("removed what no row owns", server=str(server_id), host=drivers.host)
        return 1


def _unplug_strangers(drivers: HostDrivers, plugged: dict[str, Any]) -> int:
    known = {str(facts.id) for facts in bindings.specs_for_host(host=drivers.host)}
    strangers = [port for key, port in plugged.items() if key not in known]
    for port in strangers:
        drivers.network.unplug(port.network_id, port.id)
    return len(strangers)


def _evict_images(drivers: HostDrivers, in_use: set[str | None]) -> int:
    """Drop cached images that were deleted and that no server of this host was made from."""
    cached = {image.sha512 for image in drivers.storage.list_images()} - in_use
    gone = cached - images.living(hashes=cached) if cached else set()
    for sha512 in gone:
        try:
            drivers.storage.evict_image(sha512)
        except DriverError as error:  # a build that began meanwhile: it is looked at again
            log.info("image stays in the cache", host=drivers.host, error=error.message)
    return len(gone)
