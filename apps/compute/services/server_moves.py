"""Migrate and resize: a server goes to another host or another flavor, and is confirmed there or comes back."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, CloudError, Conflict
from apps.compute import cpu_topologies, machine_features, migration_states, pci_devices, states, topologies, tpms
from apps.compute.actions import CONFIRM_RESIZE, MIGRATE, RESIZE, REVERT_RESIZE, ServerAction
from apps.compute.actions.moves import FROM_DEAD
from apps.compute.exceptions import NotResized
from apps.compute.models import Flavor, Migration, Server
from apps.compute.selectors import evacuations
from apps.compute.selectors import migrations as selectors
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import ends_of_moves, migrations, server_actions
from apps.compute.services.server_requests import flavor as flavors
from apps.compute.services.server_requests import image as images
from apps.quotas.services import reservations
from apps.scheduling.selectors import hosts
from apps.workflow import states as workflow

log = structlog.get_logger("celerity.compute")
CONFIRMED_AT_ONCE = 100


@transaction.atomic
def migrate(*, context: RequestContext, server: Server, host: str | None = None) -> None:
    """Begin to move a server to ``host``, or to one that the scheduler chooses.

    Raises BadRequest (400) for a host that does not exist, is down, or that the server is on, WrongState, ServerLocked
    and ServiceUnavailable (409).
    """
    if host is not None and host == server.host:
        raise BadRequest("No valid host was found. Cannot migrate to the host where the server exists.")
    if host is not None:
        ends_of_moves.destination(host)
    run_id = _begin(context, server, MIGRATE, host=host or "")
    _write(context, server, run_id, migration_states.MIGRATION)


@transaction.atomic
def resize(*, context: RequestContext, server: Server, flavor_ref: str, disk_config: str | None = None) -> None:
    """Begin to give a server another flavor. Capacity is claimed on the destination before anything moves.
    ``disk_config`` is written when the server is there.

    Raises BadRequest and ImageUnusable (400) for a flavor that is not there, the same or too small, QuotaExceeded
    (403), WrongState, ServerLocked and ServiceUnavailable (409).
    """
    flavor = flavors.resolve(context, flavor_ref)
    wanted = flavors.snapshot(flavor)
    run_id = _begin(context, server, RESIZE, **({"disk_config": disk_config} if disk_config else {}))
    _check_flavor(server, flavor)
    images.check_flavor(server, flavor)
    topologies.of(wanted, server.image_properties)
    pci_devices.check(flavor.extra_specs)
    cpu_topologies.of(flavor.extra_specs, server.image_properties, flavor.vcpus)
    machine_features.of(flavor.extra_specs, server.image_properties)
    if tpms.of(flavor.extra_specs, server.image_properties) is not None and not server.tpm_secret:
        Server.objects.filter(id=server.id).update(tpm_secret=tpms.new_secret())
    _write(context, server, run_id, migration_states.RESIZE, new_flavor=wanted)
    old, new = server_selectors.usage(server), server_selectors.usage_of(wanted)
    more = {name: amount - old[name] for name, amount in new.items() if amount > old[name]}
    # Last, because the usage row stays locked until the commit.
    reservations.reserve(owner_id=server.project_id, each=more, consumers=[server.id])


def _begin(context: RequestContext, server: Server, action: ServerAction, **params: Any) -> uuid.UUID:
    """Begin, and read the row as it is now: what is wrong with it ends the transaction. Returns the run's ID."""
    ends_of_moves.check_source(server)
    run_id = uuid.uuid4()
    server_actions.begin(context=context, server=server, action=action, run_id=run_id, **params)
    server.refresh_from_db()
    return run_id


def _write(
    context: RequestContext,
    server: Server,
    run_id: uuid.UUID,
    type_: str,
    new_flavor: Mapping[str, Any] | None = None,
) -> None:
    migrations.create(
        context=context,
        server=server,
        run_id=run_id,
        type_=type_,
        status=migration_states.PRE_MIGRATING,
        new_flavor=new_flavor,
    )


def _check_flavor(server: Server, flavor: Flavor) -> None:
    old = server.flavor
    if flavor.flavor_id == old.get("id"):
        raise BadRequest("When resizing, instances must change flavor!")
    if server.image_id is not None and flavor.disk_gib == 0 and int(old["disk"]):
        raise BadRequest("Resize to zero disk flavor is not allowed.")
    if server.image_id is not None and flavor.disk_gib < int(old["disk"]):
        raise BadRequest(
            f"The disk of a server never gets smaller: flavor {flavor.flavor_id} has {flavor.disk_gib} GiB, the server "
            f"has {old['disk']} GiB."
        )
    if flavor.ephemeral_gib < int(old["ephemeral"]):
        raise BadRequest(
            f"The ephemeral disks of a server never get smaller: flavor {flavor.flavor_id} has {flavor.ephemeral_gib} "
            f"GiB, the server has {old['ephemeral']} GiB."
        )


@transaction.atomic
def confirm(*, context: RequestContext, server: Server) -> None:
    """Begin to give up what the server has left. Raises WrongState and ServerLocked (409), NotResized (400)."""
    migration = _to_end(server, CONFIRM_RESIZE)
    _end(context, server, CONFIRM_RESIZE, migration, migration_states.CONFIRMING, {"host": migration.source})


@transaction.atomic
def revert(*, context: RequestContext, server: Server) -> None:
    """Begin to bring the server back; from a host that is dead and fenced, without it.

    Raises WrongState and ServerLocked (409), NotResized (400), and Conflict (409) if its former host is down, or data
    of its volumes is on the dead one.
    """
    migration = _to_end(server, REVERT_RESIZE)
    if not hosts.is_up(migration.source):
        raise Conflict(
            f"Cannot 'revertResize' instance {server.id}: the host {migration.source} that it came from is down."
            if context.is_admin
            else f"Cannot 'revertResize' instance {server.id}: the host that it came from is down."
        )
    places = {workflow.SOURCE: migration.source, workflow.DESTINATION: migration.destination}
    where = {"host": migration.source, "hosts": places}
    is_dead = hosts.is_dead(name=migration.destination)
    if is_dead and evacuations.has_data_there(server):
        raise Conflict(f"Cannot 'revertResize' instance {server.id}: data of its volumes is on its host.")
    variant = FROM_DEAD if is_dead else ""
    _end(context, server, REVERT_RESIZE, migration, migration_states.REVERTING, where, variant)


def _to_end(server: Server, action: ServerAction) -> Migration:
    """Return the migration of a server that waits for its end; of one in a wrong state, any: its begin is refused."""
    migration = selectors.open_of(server_id=server.id)
    if migration is None or migration.status != migration_states.FINISHED:
        server_actions.check_state(server=server, action=action)
        raise NotResized
    return migration


def _end(
    context: RequestContext,
    server: Server,
    action: ServerAction,
    migration: Migration,
    status: str,
    where: Mapping[str, Any],
    variant: str = "",
) -> None:
    run_id = uuid.uuid4()
    server_actions.begin(context=context, server=server, action=action, run_id=run_id, where=where, variant=variant)
    migrations.hand_over(migration=migration, run_id=run_id, status=status)


def may_confirm(server: Server, migration: Migration) -> bool:
    """Whether nothing is lost if nobody confirms it by hand: the server is seen on its new host. Else what it has left
    may be its only disks.
    """
    is_seen = server.power_state != states.NOSTATE and hosts.is_up(migration.destination)
    return server.vm_state == states.RESIZED and not server.task_state and is_seen


def confirm_due() -> int:
    """Confirm what has waited for ``RESIZE_CONFIRM_WINDOW`` seconds. Returns how many; the next round does the rest."""
    if settings.RESIZE_CONFIRM_WINDOW <= 0:
        return 0
    count, before = 0, timezone.now() - timedelta(seconds=settings.RESIZE_CONFIRM_WINDOW)
    for migration in selectors.waiting(before=before)[:CONFIRMED_AT_ONCE]:
        server = server_selectors.load(server_id=migration.server_id)
        if server is None or not may_confirm(server, migration):
            continue
        try:
            confirm(context=RequestContext(project_id=server.project_id, is_admin=True), server=server)
            count += 1
        except CloudError as error:  # its owner was faster
            log.info("not confirmed", server=str(server.id), reason=error.message)
    return count
