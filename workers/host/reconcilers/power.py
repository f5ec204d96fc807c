"""Power states: the servers' rows, and their domains.

Sets, per host:
  wanted  = idle servers whose rows are on this host, neither deleted nor building nor in error
  running = Celerity's running domains
Rules:
  ACTIVE row in wanted, not in running          -> started, if the machine restarted (unless CELERITY_RESUME_GUESTS is
                                                   off) or the row's power state is
                                                   unknown (a run was reverted without this host), and the server's
                                                   files exist; else the row becomes SHUTOFF. A server never gets an
                                                   empty disk unasked. While the host of one of its volumes is away
                                                   its power state is unknown
  STOPPED row in wanted, in running             -> the row becomes ACTIVE: a guest is never powered off unasked
  PAUSED or SUSPENDED row, another power state  -> the row becomes the domain's state
  RESCUED or RESIZED row                        -> started (from its rescue disk), if it ran before the machine
                                                   restarted; else its power state becomes the domain's
  SOFT_DELETED row, in running                  -> powered off: it was deleted while this host was down
  RESIZED row, disks of before in their place   -> the server has returned: its revert was cut off, on its own host
  the same, while the host is forced down       -> not started: its servers are made again elsewhere. Their power state
                                                   is unknown: they are started once an operator trusts the host again
  ACTIVE, RESCUED, RESIZED row with a task,     -> its power state is unknown, if the machine restarted: it is started
  or a run                                         when the task is over
A rescue or a rebuild that ended without this host is finished first (unfinished.py). A server that cannot be repaired
is reported, and keeps no other waiting.
"""

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import connection

from apps.compute import states
from apps.compute.selectors import migrations, volume_swaps
from apps.compute.selectors import servers as selectors
from apps.compute.services import move_states, server_states, shelving
from apps.images.services import images
from apps.networking.services import bindings
from apps.scheduling.selectors import hosts
from apps.workflow.selectors import runs
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import DomainInfo
from workers.drivers.hypervisor.errors import HypervisorUnavailable
from workers.drivers.network.errors import NetworkUnavailable
from workers.drivers.volume.errors import KeyUnavailable, StorageHostDown, StorageHostSilent
from workers.host.reconcilers import unfinished
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import moves, rescues, servers

if TYPE_CHECKING:
    from apps.compute.models import Server

log = structlog.get_logger("celerity.agent")
KIND = "power"
UP_SECONDS = 5.0  # for the ports of a guest that is started again; its tap is guarded then
# libvirt's reasons for pauses and ends that the cloud did not request.
PAUSED_BECAUSE = {
    "io_error": "a disk failed or its file system is full",
    "watchdog": "the guest's watchdog fired",
    "guest_panicked": "the guest crashed",
    "user": "somebody paused it on the host",
}
CRASHED = "crashed"


def reconcile(snapshot: HostSnapshot) -> None:
    """Repair every server that differs; a first look without locks finds those."""
    for server_id, server in snapshot.rows.items():
        try:
            _compare(snapshot, server_id, server)
        except HypervisorUnavailable:  # no server can be repaired, and the machine still counts as just restarted
            raise
        except Exception as error:
            if not connection.is_usable():
                raise
            log.warning("server not repaired", server=server_id, host=snapshot.drivers.host, error=str(error)[:300])
            snapshot.report.remains(
                KIND, server_id, found=f"{server.vm_state} by its row", done=f"failed: {error}"[:300]
            )


def _compare(snapshot: HostSnapshot, server_id: str, server: "Server") -> None:
    if unfinished.is_unfinished(server):
        unfinished.finish(snapshot.drivers, server.id)
        return
    if server.vm_state == states.SOFT_DELETED and snapshot.domains.get(server_id) in ("running", "paused"):
        _power_off(snapshot, server.id)
        return
    if snapshot.left.get(server_id) and not server.task_state:
        _follow_back(snapshot, server)
        server = selectors.load(server_id=server.id) or server
    if _resumes(snapshot.restarted) and _was_on(server) and _is_busy(server):
        server_states.forget_power_state(server_id=server.id)
        return
    if server.shelved_image_id and not is_unknown(server):
        _forget_image(snapshot, server.id)
    if (
        server.vm_state not in states.SETTLED
        or server.task_state
        or not (is_unknown(server) or differs(server, snapshot.domains.get(server_id)))
    ):
        return
    difference = f"{server.vm_state} by its row, {snapshot.domains.get(server_id, 'no domain')} on the host"
    done = repair(snapshot.drivers, server.id, restarted=snapshot.restarted)
    if done and not is_unknown(server):
        snapshot.report.repaired(KIND, server_id, found=difference, done=done)


def _resumes(restarted: bool) -> bool:
    """Return whether guests are to be started because their machine has restarted."""
    return restarted and settings.RESUME_GUESTS


def _is_busy(server: "Server") -> bool:
    """Return whether a run works on the server, also one without a task."""
    return bool(server.task_state) or runs.has_active(subject_type=states.SUBJECT, subject_id=server.id)


def _forget_image(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Delete the image that an unshelve kept whose host could not be asked: the server has its disk."""
    with idle(snapshot.drivers, server_id) as is_idle:
        server = selectors.load(server_id=server_id) if is_idle else None
        if server is None or server.vm_state not in states.SETTLED or is_unknown(server) or not server.shelved_image_id:
            return
        images.discard(image_id=server.shelved_image_id)
        shelving.forget_image(server_id=server_id)


def _follow_back(snapshot: HostSnapshot, server: "Server") -> None:
    """See that a server which was resized on this host has the disks of before beside its own, or them alone."""
    storage, key = snapshot.drivers.storage, str(server.id)
    migration = migrations.open_of(server_id=server.id)
    if key in storage.list_kept() or migration is None or not moves.had_files(server, migration):
        return
    with idle(snapshot.drivers, server.id) as is_idle:
        is_here = is_idle and key in storage.list_servers() and key not in storage.list_kept()
        if not is_here:
            return
        moves.drop_disks(storage, server, migration)
        if move_states.follow_back(server_id=server.id):
            snapshot.report.repaired(KIND, server.id, found="resized, with the disks of before", done="returned")


def is_unknown(server: "Server") -> bool:
    """Whether a run was reverted while the host was out of reach: the guest may be off against its row."""
    return bool(server.power_state == states.NOSTATE)


def differs(server: "Server", power_state: str | None) -> bool:
    """A first look, without locks: most servers are as their rows say."""
    if server.vm_state in states.ON_OR_OFF:
        return states.POWER_STATES[power_state or "shutdown"] != server.power_state
    return states.vm_state_of(power_state) != server.vm_state


def repair(drivers: HostDrivers, server_id: uuid.UUID, *, restarted: bool = False) -> str:
    """Adjust one server to its row, or the row to the domain. Returns what was done; "" if nothing differs.

    Both are read again under the server's locks: a user may have stopped or deleted it, or its build may have ended.
    """
    with idle(drivers, server_id) as is_idle:
        server = selectors.load(server_id=server_id) if is_idle else None
        if server is None or server.host != drivers.host or server.task_state or server.vm_state not in states.SETTLED:
            return ""
        if unfinished.is_unfinished(server):
            return ""
        info = drivers.hypervisor.info(str(server_id))
        power_state = str(info.power_state) if info else "shutdown"
        may_start = _was_on(server) and (_resumes(restarted) or is_unknown(server))
        if may_start and power_state != "running" and not _can_start(drivers, server):
            server_states.forget_power_state(server_id=server_id)
            return ""
        try:
            is_started = may_start and power_state != "running" and _start(drivers, server)
        except (KeyUnavailable, StorageHostDown, StorageHostSilent) as error:
            log.warning("server waits for its volume's host, or key", server=str(server.id), error=error.message)
            server_states.forget_power_state(server_id=server_id)
            return ""
        if is_started:
            server_states.sync_power_state(server_id=server_id, power_state="running")
            return "started: the machine restarted" if restarted else "started: the host was out of reach"
        reason = _reason(info)
        if power_state == "nostate" or not server_states.sync_power_state(
            server_id=server_id, power_state=power_state, reason=reason
        ):
            return ""
        bindings.set_server_status(server_id=server_id, up=power_state == "running")
        why = reason or _kept_off(restarted, server)
        return f"the row says {power_state} now{f': {why}' if why else ''}"


def _kept_off(restarted: bool, server: "Server") -> str:
    """Return why a guest that ran is off since its machine restarted; "" otherwise."""
    if not restarted:
        return ""
    is_set = not settings.RESUME_GUESTS and _was_on(server)
    return "the machine restarted" + (", and CELERITY_RESUME_GUESTS is off" if is_set else "")


def _can_start(drivers: HostDrivers, server: "Server") -> bool:
    """A guest that wrote to another copy of a volume is not started with the former: see arrivals.py, swaps.py."""
    if server.has_volumes and volume_swaps.is_undecided(server_id=server.id, host=drivers.host):
        log.warning("server waits until it is known where its volume is", server=str(server.id))
        return False
    return not hosts.is_forced_down(name=drivers.host)


def _power_off(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Power off a guest that was deleted, for the time being, while its host was down."""
    with idle(snapshot.drivers, server_id) as is_idle:
        server = selectors.load(server_id=server_id) if is_idle else None
        if server is None or server.vm_state != states.SOFT_DELETED or server.host != snapshot.drivers.host:
            return
        try:
            snapshot.drivers.hypervisor.stop(str(server_id), 0)
        except DriverError as error:
            log.warning("deleted server not powered off", server=str(server_id), error=error.message)


def _was_on(server: "Server") -> bool:
    """Return whether the guest ran, as far as its row knows. One that is rescued or resized may be off."""
    kept = server.vm_state in states.ON_OR_OFF and server.power_state in (states.RUNNING, states.NOSTATE)
    return kept or bool(server.vm_state == states.ACTIVE)


def _reason(info: DomainInfo | None) -> str:
    """Return why a guest was paused by its host, or ended by itself; "" for one that was powered off."""
    if info is None or not info.reason:
        return ""
    if info.reason == CRASHED:
        return "The guest ended by itself: its process on the host crashed, or was killed. Start it again."
    cause = PAUSED_BECAUSE.get(info.reason, info.reason)
    return f"The host paused the guest: {cause}. Unpause it when the cause is gone."


def _start(drivers: HostDrivers, server: "Server") -> bool:
    """Start a guest whose disks exist: a start would recreate missing disks from the image, which only a user may
    request. A file system that is not mounted yet looks just like lost disks.
    """
    if str(server.id) not in drivers.storage.list_servers():
        return False
    try:
        mapping = rescues if server.vm_state == states.RESCUED else servers
        spec = mapping.prepare(server, drivers)
        drivers.hypervisor.start(spec)
        with suppress(NetworkUnavailable):  # a port that comes up later is mended with the others
            drivers.network.wait_until_up({card.port_id: card.routers for card in spec.interfaces}, UP_SECONDS)
    except (KeyUnavailable, StorageHostDown, StorageHostSilent):
        raise
    except Exception as error:
        log.warning("server not restarted", server=str(server.id), host=drivers.host, error=str(error)[:300])
        return False
    return True
