"""Doing an action of the catalogue to a server, for the API, operators' pages and runs that are tried again."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.compute import locks, rpcapi, states
from apps.compute.actions import RESET_STATE, ServerAction
from apps.compute.exceptions import ServerInUse, ServerNotFound, WrongState
from apps.compute.models import Server
from apps.compute.selectors import migrations, volume_swaps
from apps.compute.selectors import servers as selectors
from apps.compute.services import move_states, server_hardware, server_states, servers, unfilled_images
from apps.compute.sql import servers as sql
from apps.quotas.services import reservations
from apps.scheduling.selectors import hosts
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

UNDECIDED = (
    "Cannot '{action}' instance {server}: the move or swap of one of its volumes was cut short, and its host has not "
    "said yet which copy the guest has."
)
REPLACED = "A hard {action} replaced it."


def perform(
    *, context: RequestContext, server: Server, action: ServerAction, arguments: Mapping[str, Any] | None = None
) -> Any:
    """Do it and return what its service returns; without ``arguments`` with the row's defaults.

    The caller has checked the action's rule. Raises what the service raises: WrongState (409), ServerLocked (409).
    """
    given = dict(action.defaults if arguments is None else arguments)
    if not action.service:
        return begin(context=context, server=server, action=action, **given)
    verb = service_of(action.service)
    return verb(context=context, server=server, **given) if action.changes else verb(server=server, **given)


@cache
def service_of(name: str) -> Callable[..., Any]:
    """Return the function of this floor that the catalogue names "module.function"."""
    module, _, function = name.partition(".")
    verb: Callable[..., Any] = getattr(import_module(f"apps.compute.services.{module}"), function)
    return verb


def begin(
    *,
    context: RequestContext,
    server: Server,
    action: ServerAction,
    run_id: uuid.UUID | None = None,
    also: Sequence[tuple[str, uuid.UUID]] = (),
    where: Mapping[str, Any] | None = None,
    variant: str = "",
    **arguments: Any,
) -> None:
    """Take the server from no task into the action's, and start its pipeline, which keeps ``arguments``. A run that the
    action may replace is cancelled. ``run_id``: the ID of the run, where another row names it. ``also``: its further
    subjects. ``where``: its ``host`` and ``hosts``, if it is not the server's that begins. ``variant``: another
    pipeline of the action.

    The row decides as it is now: host and lock may have changed since the caller read it. Raises WrongState (409)
    naming the state that does not allow it, ServerLocked (409), ServerInUse (409), ServerNotFound (404), and Conflict
    (409) for a server that is on no host.
    """
    try:
        with transaction.atomic():
            row = _enter(context, server, action, hard=bool(arguments.get("hard")))
            rpcapi.act(
                context=context,
                server=row,
                action=action,
                params=arguments,
                run_id=run_id,
                also=also,
                where=where,
                variant=variant,
            )
            _check_decided(row, action, begun=str(arguments.get("new_attachment", "")))
    except IntegrityError:
        other = run_selectors.active_of(subject_type=states.SUBJECT, subject_id=server.id)
        if other is None:
            raise
        raise ServerInUse(action=action.name, server=server.id, user=other.action) from None


def _check_decided(row: Server, action: ServerAction, *, begun: str) -> None:
    if row.has_volumes and volume_swaps.is_undecided(server_id=row.id, host=row.host, begun=begun):
        raise Conflict(UNDECIDED.format(action=action.name, server=row.id))


def _enter(context: RequestContext, server: Server, action: ServerAction, *, hard: bool) -> Server:
    """Take the server into the action's task; return its row as it is then."""
    vm_states, task_state = action.admission(hard=hard)
    asked = {
        "id": server.id, "task_state": task_state, "before": [""],
        "any_lock": context.is_admin or action.ignores_lock,
        "vm_states": None if vm_states is None else list(vm_states),
    }  # fmt: skip
    rows = sql.BEGIN_ACTION.fetch(asked)
    if not rows and action.replaces(hard=hard):
        rows = sql.BEGIN_ACTION.fetch({**asked, "before": list(action.replaces(hard=hard))})
        if rows:
            reason = REPLACED.format(action=action.title.lower())
            runs.cancel_active(subject_type=states.SUBJECT, subject_id=server.id, reason=reason)
    if not rows:
        _refuse(context, server, action, vm_states)
    row = sql.ROW.read(rows[0])
    server_hardware.check_action(server=row, action=action.name)
    if not row.host and row.vm_state != states.SHELVED_OFFLOADED:
        raise Conflict(
            f"Cannot '{action.name}' instance {row.id} while it is in vm_state {row.vm_state}: it has no host, "
            "its build did not get that far."
        )
    return row


def check_state(*, server: Server, action: ServerAction) -> None:
    """Raise WrongState (409) unless the server, as it was read, admits the action."""
    for attribute, allowed in (("vm_state", action.vm_states), ("task_state", ("",))):
        state = getattr(server, attribute)
        if allowed is not None and state not in allowed:
            raise WrongState(action=action.name, server=server.id, attribute=attribute, state=state)


def _refuse(
    context: RequestContext, server: Server, action: ServerAction, vm_states: tuple[str, ...] | None
) -> NoReturn:
    row = Server.objects.filter(id=server.id, deleted_at=None).first()
    if row is None:
        raise ServerNotFound(server=server.id)
    if not action.ignores_lock:
        servers.check_unlocked(context=context, server=row)
    if vm_states is not None and row.vm_state not in vm_states:
        raise WrongState(action=action.name, server=server.id, attribute="vm_state", state=row.vm_state)
    raise WrongState(action=action.name, server=server.id, attribute="task_state", state=row.task_state)


@transaction.atomic
def reset_state(*, context: RequestContext, server: Server, state: str) -> None:
    """Set the vm_state by hand (administrators): active or error. Touches nothing on the host.

    A server that waits for its restore counts against the quota again: QuotaExceeded (403).
    Conflict (409) while a guest is on its way to another host: nobody knows which of the two has it.
    A run under way is cancelled: it would otherwise go on against the state that was just set.
    """
    row = locks.server(server.id)
    active = run_selectors.has_active(subject_type=states.SUBJECT, subject_id=server.id)
    if active and migrations.is_leaving(server_id=server.id):
        raise Conflict(f"Server {server.id} is on its way to another host. Abort its live migration first.")
    if active and hosts.is_up(server.host) and (copy := volume_swaps.running(server_id=server.id)) is not None:
        raise Conflict(f"A volume of server {server.id} is being copied. Cancel the run {copy.id} first.")
    cancelled = runs.cancel_active(
        subject_type=states.SUBJECT, subject_id=server.id, reason="The state was reset by an administrator."
    )
    unfilled_images.give_up(run=cancelled)
    abandoned = move_states.abandon(server_id=server.id)
    is_deleted = row is not None and row.vm_state == states.SOFT_DELETED
    if row is not None and is_deleted and (abandoned or row.task_state != states.RESTORING):
        reservations.reserve(owner_id=row.project_id, each=selectors.usage(row), consumers=[row.id])
    reservations.commit(consumers=[server.id])
    values: dict[str, Any] = {"vm_state": state, "task_state": "", "admin_password": "", "updated_at": timezone.now()}
    values |= {"rescue": None, "rebuild": None, "soft_deleted_at": None}
    if state == states.ACTIVE:
        values |= server_states.NO_FAULT
    Server.objects.filter(id=server.id, deleted_at=None).update(**values)
    rpcapi.record(context=context, action=RESET_STATE.name, server=server)
