"""What the steps that move a server share: its migration, its row as it will be, its guest and ports on a host."""

import uuid
from copy import copy
from typing import TYPE_CHECKING

import structlog

from apps.compute import migration_states
from apps.compute.selectors import migrations
from apps.compute.services import move_states, server_states
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.storage.base import StorageDriver
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SOURCE, StepContext
from workers.mapping import networks, servers, volumes
from workers.tasks.servers.base import ports_of, wait_for_ports

if TYPE_CHECKING:
    from apps.compute.models import Migration, Server

log = structlog.get_logger("celerity.agent")


def migration_of(ctx: StepContext) -> "Migration":
    """Return the migration that the run makes, confirms or reverts. Raises Abort for one that is over."""
    migration = migrations.of_run(run_id=ctx.claim.run_id)
    if migration is None or migration.status in migration_states.ENDED:
        raise Abort("The migration of this server is over.", cause="MigrationOver")
    return migration


def stays(ctx: StepContext) -> bool:
    """Whether the server is resized on its host."""
    return ctx.hosts[SOURCE] == ctx.hosts[DESTINATION]


def is_same_disk(ctx: StepContext, storage: StorageDriver) -> bool:
    """Whether the server works on one disk before and after: on one host, or in a pool of all hosts. What was before is
    kept beside it then.
    """
    return stays(ctx) or bool(storage.pooled_disks(str(ctx.subject_id)))


def may_run_there(ctx: StepContext, drivers: HostDrivers | None) -> bool:
    """Destroy the guest on the destination; say whether it may run there all the same: its start was noted, and the
    host, out of reach (``drivers`` None) or silent, does not do it.
    """
    migration = migrations.of_run(run_id=ctx.claim.run_id)
    is_starting = migration is not None and migration.status == migration_states.POST_MIGRATING
    if drivers is None:
        return is_starting
    try:
        drivers.hypervisor.destroy(str(ctx.subject_id))
    except DriverError as error:
        if not is_starting:
            raise
        log.warning("guest not held back", server=str(ctx.subject_id), error=error.message)
        return True
    move_states.mark_held_back(run_id=ctx.claim.run_id)
    return False


def at_destination(server: "Server", migration: "Migration") -> "Server":
    """Return a server's row as it will be there. A host that its owner once named does not bind it any more."""
    moved = copy(server)
    moved.flavor, moved.host, moved.requested_host = migration.new_flavor, migration.destination, ""
    moved.claimed_by = migration.uuid
    if migration.new_flavor != migration.old_flavor:
        moved.launched_at = None  # all that its new flavor promises is looked for
    return moved


def plug(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    for port in networks.ports_of(server_id):
        drivers.network.plug(port)


def unplug(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    for port in networks.ports_of(server_id):
        drivers.network.unplug(port.id)


def clear_pool(server_id: str, drivers: HostDrivers) -> None:
    """Delete the disks that an earlier life of the server, on a host that is lost, left in a pool of all hosts."""
    storage = drivers.storage
    if storage.capabilities.shared and server_id not in storage.list_servers():
        storage.delete_disks(server_id)


def take_volumes(server: "Server", drivers: HostDrivers) -> None:
    """Have the server's volumes on this host, and on no other."""
    if server.has_volumes:
        for attachment in volumes.of_server(server.id):
            volumes.connect(attachment, drivers, alone=True)


def fence_volumes(server: "Server", source: str, drivers: HostDrivers) -> None:
    """Let the server's former host write no more to its volumes, where that is for the storage to see to.

    Where the guest is here already, that was done before.
    """
    info = drivers.hypervisor.info(str(server.id))
    if not server.has_volumes or (info is not None and info.power_state in (PowerState.RUNNING, PowerState.PAUSED)):
        return
    for attachment in volumes.of_server(server.id):
        volumes.fence(attachment, drivers, lost=source)


def leave_volumes(server: "Server", drivers: HostDrivers) -> None:
    """Take the server's volumes from this host."""
    if server.has_volumes:
        for attachment in volumes.of_server(server.id):
            volumes.disconnect(attachment, drivers)


def start(server: "Server", drivers: HostDrivers) -> None:
    """Start the guest as its row says."""
    plug(server.id, drivers)
    take_volumes(server, drivers)
    spec = servers.prepare(server, drivers)
    drivers.hypervisor.start(spec)
    wait_for_ports(ports_of(spec), drivers)


def start_again(ctx: StepContext, server: "Server", drivers: HostDrivers | None) -> None:
    """Start the guest of a move that is reverted. Where that fails, or the host is out of reach (``drivers`` None), its
    power state is unknown from then on, and the host's recovery starts it.
    """
    try:
        if drivers is not None:
            start(server, drivers)
            return
    except DriverError as error:
        log.warning("guest not started; recovery tries again", server=str(server.id), error=error.message)
    server_states.forget_power_state(server_id=server.id)
