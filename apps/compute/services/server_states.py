"""Pipelines' writes to a server's row: every one is a compare-and-swap along the legal transitions."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, Value, When
from django.utils import timezone

from apps.common.context import RequestContext
from apps.compute import actions, locks, migration_states, rpcapi, states
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import migrations as migration_selectors
from apps.compute.selectors import servers as selectors
from apps.compute.services import migrations
from apps.compute.sql import servers as sql
from apps.networking.services import bindings
from apps.quotas.services import reservations
from apps.scheduling.services import allocations, builds
from apps.workflow.selectors import runs
from apps.workflow.services.claims import ClaimArguments, ClaimExtension

# The same within the claim of a step, so that both are one statement. A transaction that changes a server and its run
# locks the server first.
_BEGIN_WITH_CLAIM = ClaimExtension(
    name="server",
    lock=sql.LOCK_SUBJECT,
    change=sql.BEGIN_TASK_OF_CLAIMED,
    types=sql.BEGIN_TASK_TYPES,
)


NO_FAULT = {"fault_code": None, "fault_message": "", "fault_details": "", "fault_at": None}


def begin_task(*, server_id: uuid.UUID, task_state: str) -> Server | None:
    """Move the server to ``task_state`` and return its row. None: no way leads there (it was deleted, say)."""
    return next((sql.ROW.read(row) for row in sql.BEGIN_TASK.fetch({**_move_to(task_state), "id": server_id})), None)


def begin_task_with_claim(*, task_state: str) -> ClaimArguments:
    """Return the same as a part of a step's claim, which gives the row's values: ``read_claimed`` reads them."""
    return ClaimArguments(extension=_BEGIN_WITH_CLAIM, values=_move_to(task_state))


def read_claimed(row: Sequence[Any]) -> Server:
    return sql.ROW.read(row)


def _move_to(task_state: str) -> dict[str, Any]:
    return {"task_state": task_state, "before": list(actions.TRANSITIONS[task_state])}


def set_host(*, server_id: uuid.UUID, host: str, zone: str) -> None:
    """Note where the server is built."""
    sql.SET_HOST.run({"id": server_id, "host": host, "zone": zone})


def map_devices(*, server_id: uuid.UUID, devices: dict[uuid.UUID, str], root: str) -> None:
    """Note the device names: block device id -> name ("vda")."""
    rows = [BlockDevice(id=key, device=name) for key, name in devices.items()]
    BlockDevice.objects.bulk_update(rows, ["device"])
    Server.objects.filter(id=server_id).update(root_device_name=f"/dev/{root}")


def mark_active(*, server_id: uuid.UUID) -> None:
    """ACTIVE: the task is over, and the config drive has the administrator's password, which is erased here.

    In the transaction that ends the run, and with ``commit_quota``.
    """
    sql.MARK_ACTIVE.run({"id": server_id})


def commit_quota(*, server_id: uuid.UUID) -> None:
    """The reservations are use now. It locks the project's usage, which every other boot of the project waits for."""
    reservations.commit(consumers=[server_id])


def mark_error(*, server_id: uuid.UUID, code: int, message: str, details: str) -> None:
    """ERROR with the cause; an erroneous server still counts against its quota until it is deleted.

    A server that waits for its restore stays so: it counts against no quota.
    """
    now = timezone.now()
    Server.objects.filter(id=server_id, deleted_at=None).update(
        vm_state=Case(When(vm_state=states.SOFT_DELETED, then=Value(states.SOFT_DELETED)), default=Value(states.ERROR)),
        task_state="",
        fault_code=code,
        fault_message=message,
        fault_details=details,
        fault_at=now,
        updated_at=now,
    )
    if Server.objects.filter(id=server_id, vm_state=states.SOFT_DELETED).exists():
        reservations.cancel(consumers=[server_id])
    else:
        reservations.commit(consumers=[server_id])


def mark_soft_deleted(*, server_id: uuid.UUID, power_state: str) -> None:
    """The server waits for its restore or its end. Its host keeps it; with ``release_quota``."""
    now = timezone.now()
    values = {"task_state": "", "power_state": states.POWER_STATES[power_state], "updated_at": now}
    Server.objects.filter(id=server_id, deleted_at=None).update(
        vm_state=states.SOFT_DELETED, soft_deleted_at=now, **values
    )


def release_quota(*, server_id: uuid.UUID) -> None:
    """A server that is deleted for the time being counts against no quota."""
    server = selectors.load(server_id=server_id)
    if server is not None:
        usage = migrations.usage_held(migration_selectors.open_of(server_id=server_id), server)
        reservations.release(owner_id=server.project_id, each=usage, consumer=server_id)


def mark_restored(*, server_id: uuid.UUID, power_state: str) -> None:
    """The server is back, in the state of its guest. With ``commit_quota``."""
    values = {"task_state": "", "soft_deleted_at": None, "rescue": None, "admin_password": "", **powered(power_state)}
    if migration_selectors.open_of(server_id=server_id) is not None:  # it was deleted before it was confirmed
        values["vm_state"] = states.RESIZED
    Server.objects.filter(id=server_id, deleted_at=None).update(**values)


def cancel_restore(*, server_id: uuid.UUID) -> None:
    """The restore failed: the server is deleted as before."""
    end_task(server_id=server_id)
    reservations.cancel(consumers=[server_id])


def clear_host(*, server_id: uuid.UUID, blamed: str = "") -> None:
    """The build left its host, which gets its capacity back. ``blamed``: a host that may be why it failed."""
    Server.objects.filter(id=server_id).update(host="", zone="", updated_at=timezone.now())
    if blamed:
        builds.failed(host=blamed)
    allocations.release(consumer_id=server_id)


def mark_rescheduling(*, server_id: uuid.UUID) -> None:
    """The next attempt begins with scheduling."""
    Server.objects.filter(id=server_id, deleted_at=None).update(task_state=states.SCHEDULING, updated_at=timezone.now())


def set_power_state(*, server_id: uuid.UUID, power_state: str, clear_task: bool = True) -> None:
    """Write the state a host reports: "running", "shutdown", "paused"… A building or deleted server is left alone."""
    rows = Server.objects.filter(id=server_id, deleted_at=None)
    rows = rows.exclude(vm_state__in=(states.BUILDING, states.SOFT_DELETED))
    values = powered(power_state)
    if clear_task:
        values["task_state"] = ""
    rows.update(**{**values, "vm_state": _unless_kept(values["vm_state"])})


def powered(power_state: str) -> dict[str, Any]:
    """Return the columns of a server whose guest is in this power state. One that runs has no fault."""
    vm_state = states.vm_state_of(power_state)
    values = {"vm_state": vm_state, "power_state": states.POWER_STATES[power_state], "updated_at": timezone.now()}
    return values | NO_FAULT if vm_state == states.ACTIVE else values


def _unless_kept(vm_state: str) -> Case:
    """A rescued server is rescued, on or off; a resized one is resized."""
    return Case(*(When(vm_state=kept, then=Value(kept)) for kept in states.ON_OR_OFF), default=Value(vm_state))


@transaction.atomic
def sync_power_state(*, server_id: uuid.UUID, power_state: str, reason: str = "") -> bool:
    """Record a change that the cloud did not request (a guest powered itself off). Only without an active task.

    ``reason``: what the server's owner reads of it among its actions.
    """
    vm_state, number = states.vm_state_of(power_state), states.POWER_STATES[power_state]
    rows = Server.objects.filter(id=server_id, deleted_at=None, task_state="", vm_state__in=states.SETTLED)
    rows = rows.exclude(vm_state__in=(vm_state, *states.ON_OR_OFF), power_state=number)
    is_news = bool(rows.update(vm_state=_unless_kept(vm_state), power_state=number, updated_at=timezone.now()))
    if is_news and reason:
        action = actions.PAUSE if vm_state == states.PAUSED else actions.STOP
        server = Server.objects.get(id=server_id)
        rpcapi.record(context=RequestContext(), action=action.name, server=server, reason=reason)
    return is_news


def forget_power_state(*, server_id: uuid.UUID) -> None:
    """The host cannot be asked how the guest is. Its recovery brings the guest to the state of the row."""
    Server.objects.filter(id=server_id, deleted_at=None).update(power_state=states.NOSTATE, updated_at=timezone.now())


def end_task(*, server_id: uuid.UUID) -> None:
    """The action failed without other changes: only the task ends."""
    Server.objects.filter(id=server_id, deleted_at=None).update(task_state="", updated_at=timezone.now())


def keep_password(*, server_id: uuid.UUID, sealed: str) -> None:
    """Keep a password for the guest's agent, encrypted, until ``forget_password``."""
    Server.objects.filter(id=server_id).update(admin_password=sealed)


def forget_password(*, server_id: uuid.UUID) -> None:
    """The guest has the password, or does not get it: the task ends, and the row holds it no longer."""
    Server.objects.filter(id=server_id, deleted_at=None).update(
        admin_password="", task_state="", updated_at=timezone.now()
    )


def mark_moved(*, server_id: uuid.UUID, claimed_by: uuid.UUID, host: str, zone: str, power_state: str) -> None:
    """The server is on ``host`` now, with the allocation that ``claimed_by`` holds there. Its task continues.

    In the transaction that finishes the step.
    """
    set_host(server_id=server_id, host=host, zone=zone)
    set_power_state(server_id=server_id, power_state=power_state, clear_task=False)
    bindings.set_server_status(server_id=server_id, up=power_state == "running")
    allocations.hand_over(claimed_by=claimed_by, consumer_id=server_id)


@transaction.atomic
def end_orphaned_task(*, server_id: uuid.UUID, message: str) -> tuple[str, str] | None:
    """End a task that no run is open for: a build in ERROR with ``message``, everything it held given back.

    The caller holds the subject's lock. The row is locked before the runs are read, because actions write both in one
    transaction. Returns the previous (vm_state, task_state); None without an active task.
    """
    server = locks.server(server_id)
    if server is None or not (server.task_state or server.vm_state == states.BUILDING):
        return None
    if runs.has_active(subject_type=states.SUBJECT, subject_id=server_id):
        return None
    if server.vm_state == states.BUILDING:
        bindings.release_for_server(server_id=server_id)
        clear_host(server_id=server_id)
        mark_error(server_id=server_id, code=500, message=message, details=f"{server.task_state}, and no run was open")
    elif server.vm_state == states.SOFT_DELETED:
        cancel_restore(server_id=server_id)
    else:
        forget_password(server_id=server_id)  # one that its run was to set
    return server.vm_state, server.task_state


@transaction.atomic
def mark_deleted(*, server_id: uuid.UUID, moved: bool = False) -> None:
    """The last act of a delete: the row is marked, usage and allocation are given back, once.

    ``moved``: it had a migration, which holds an allocation and may count against the quota.
    """
    now = timezone.now()
    server = locks.server(server_id)
    if server is None:
        return
    Server.objects.filter(id=server_id).update(
        vm_state=states.DELETED,
        task_state="",
        power_state=states.NOSTATE,
        deleted_at=now,
        updated_at=now,
        user_data="",
        admin_password="",
        personality=[],
        rebuild=None,
        rescue=None,
    )
    # The host's rows before the project's, as everywhere: else a delete and a failing build could wait for each other.
    if moved:
        _release_moved(server)
        return
    allocations.release(consumer_id=server_id)
    if server.vm_state == states.SOFT_DELETED:  # its usage was given back then; it may be about to be restored
        reservations.cancel(consumers=[server_id])
    else:
        reservations.release(owner_id=server.project_id, each=selectors.usage(server), consumer=server_id)


def _release_moved(server: Server) -> None:
    migration = migration_selectors.open_of(server_id=server.id)
    consumers, usage = [server.id], selectors.usage(server)
    if migration is not None:
        consumers.append(migration.uuid)
        usage = migrations.usage_held(migration, server)
        migrations.end_of_server(server_id=server.id, status=migration_states.CANCELLED)
    allocations.release_all(consumer_ids=consumers)
    reservations.cancel(consumers=[server.id])
    if server.vm_state != states.SOFT_DELETED:
        reservations.release(owner_id=server.project_id, each=usage, consumer=server.id)
