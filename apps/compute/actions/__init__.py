"""The catalogue of server actions: one row for everything that is done to a server.

The API's action call and its description (OpenAPI), the policy rules, the operators' buttons, "Try again", the legal
task states and docs/server-actions.md are made from these rows. A new action is one row here, and one pipeline or
service function; an action of Nova's that is not offered is a line in ``NOT_OFFERED``.
"""

from apps.common.exceptions import CloudError
from apps.compute.actions.base import ALWAYS as ALWAYS
from apps.compute.actions.base import SERVICE_RULES as SERVICE_RULES
from apps.compute.actions.base import Button as Button
from apps.compute.actions.base import Hard as Hard
from apps.compute.actions.base import ServerAction as ServerAction
from apps.compute.actions.disks import REBUILD as REBUILD
from apps.compute.actions.disks import RESCUE as RESCUE
from apps.compute.actions.disks import UNRESCUE as UNRESCUE
from apps.compute.actions.images import CHANGE_PASSWORD as CHANGE_PASSWORD
from apps.compute.actions.images import CREATE_BACKUP as CREATE_BACKUP
from apps.compute.actions.images import CREATE_IMAGE as CREATE_IMAGE
from apps.compute.actions.lifecycle import CANCEL as CANCEL
from apps.compute.actions.lifecycle import CONSOLE_OUTPUT as CONSOLE_OUTPUT
from apps.compute.actions.lifecycle import CRASH_DUMP as CRASH_DUMP
from apps.compute.actions.lifecycle import DELETE as DELETE
from apps.compute.actions.lifecycle import FORCE_DELETE as FORCE_DELETE
from apps.compute.actions.lifecycle import LOCK as LOCK
from apps.compute.actions.lifecycle import PAUSE as PAUSE
from apps.compute.actions.lifecycle import REBOOT as REBOOT
from apps.compute.actions.lifecycle import RESET_STATE as RESET_STATE
from apps.compute.actions.lifecycle import RESTORE as RESTORE
from apps.compute.actions.lifecycle import RESUME as RESUME
from apps.compute.actions.lifecycle import RETRY as RETRY
from apps.compute.actions.lifecycle import START as START
from apps.compute.actions.lifecycle import STOP as STOP
from apps.compute.actions.lifecycle import SUSPEND as SUSPEND
from apps.compute.actions.lifecycle import UNLOCK as UNLOCK
from apps.compute.actions.lifecycle import UNPAUSE as UNPAUSE
from apps.compute.actions.live import EVACUATE as EVACUATE
from apps.compute.actions.live import LIVE_ABORT as LIVE_ABORT
from apps.compute.actions.live import LIVE_FORCE_COMPLETE as LIVE_FORCE_COMPLETE
from apps.compute.actions.live import LIVE_MIGRATE as LIVE_MIGRATE
from apps.compute.actions.moves import CONFIRM_RESIZE as CONFIRM_RESIZE
from apps.compute.actions.moves import MIGRATE as MIGRATE
from apps.compute.actions.moves import RESIZE as RESIZE
from apps.compute.actions.moves import REVERT_RESIZE as REVERT_RESIZE
from apps.compute.actions.network import ADD_FIXED_IP as ADD_FIXED_IP
from apps.compute.actions.network import ADD_FLOATING_IP as ADD_FLOATING_IP
from apps.compute.actions.network import ADD_GROUP as ADD_GROUP
from apps.compute.actions.network import ATTACH_INTERFACE as ATTACH_INTERFACE
from apps.compute.actions.network import DETACH_INTERFACE as DETACH_INTERFACE
from apps.compute.actions.network import INJECT_NETWORK_INFO as INJECT_NETWORK_INFO
from apps.compute.actions.network import REMOVE_FIXED_IP as REMOVE_FIXED_IP
from apps.compute.actions.network import REMOVE_FLOATING_IP as REMOVE_FLOATING_IP
from apps.compute.actions.network import REMOVE_GROUP as REMOVE_GROUP
from apps.compute.actions.shelving import SHELVE as SHELVE
from apps.compute.actions.shelving import SHELVE_OFFLOAD as SHELVE_OFFLOAD
from apps.compute.actions.shelving import UNSHELVE as UNSHELVE
from apps.compute.actions.volumes import ATTACH_VOLUME as ATTACH_VOLUME
from apps.compute.actions.volumes import DETACH_VOLUME as DETACH_VOLUME
from apps.compute.actions.volumes import SWAP_VOLUME as SWAP_VOLUME
from apps.compute.exceptions import ActionNotOffered, RemovedFromNova

CREATE = "create"  # the action of a first build, which POST /servers starts

ACTIONS: dict[str, ServerAction] = {
    row.name: row
    for row in (
        RETRY, CANCEL, START, STOP, PAUSE, UNPAUSE, SUSPEND, RESUME, REBOOT, CRASH_DUMP, RESCUE, UNRESCUE,
        REBUILD, MIGRATE, LIVE_MIGRATE, EVACUATE, RESIZE, CONFIRM_RESIZE, REVERT_RESIZE,
        SHELVE, SHELVE_OFFLOAD, UNSHELVE, RESET_STATE, DELETE, FORCE_DELETE, RESTORE, LOCK,
        UNLOCK,
        ADD_GROUP, REMOVE_GROUP, ADD_FLOATING_IP, REMOVE_FLOATING_IP, ATTACH_INTERFACE, DETACH_INTERFACE,
        CREATE_IMAGE, CREATE_BACKUP, CHANGE_PASSWORD,
        ADD_FIXED_IP, REMOVE_FIXED_IP, INJECT_NETWORK_INFO, ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME, CONSOLE_OUTPUT,
    )
}  # fmt: skip
# Nova's keys of POST /servers/{id}/action that this cloud does not have, by the feature that is missing.
NOT_OFFERED: dict[str, str] = {
    "os-getMKSConsole": "remote consoles",
    "os-getRDPConsole": "remote consoles",
    "os-getSPICEConsole": "remote consoles",
    "os-getSerialConsole": "remote consoles",
    "os-getVNCConsole": "remote consoles",
}
# Keys that Nova itself refuses by now.
REMOVED = {"resetNetwork": "resets of servers' networks"}


def _transitions() -> dict[str, tuple[str, ...]]:
    """Return the task states from which each may be entered. An action begins with no task under way, or takes the
    server from the tasks that it replaces; a repeated step keeps its state, and a new attempt returns to the first.
    """
    entered: dict[str, dict[str, None]] = {}
    for row in ACTIONS.values():
        path = (row.task_state, *row.task_states) if row.task_state else ()
        for before, state in zip(("", *path), path, strict=False):
            entered.setdefault(state, {}).update(dict.fromkeys((before, state)))
        for first in path[: 2 if row.makes_image else 1]:  # the state that its service enters has no step
            entered[first].update(dict.fromkeys(path))
        if row.hard is not None:
            entered.setdefault(row.hard.task_state, {}).update(
                dict.fromkeys(("", *row.hard.after, row.hard.task_state))
            )
    return {state: tuple(before) for state, before in entered.items()}


TRANSITIONS = _transitions()


def of_api() -> dict[str, ServerAction]:
    """Return the actions of POST /servers/{id}/action by their keys."""
    return {row.key: row for row in ACTIONS.values() if row.key}


def refusal(key: str) -> CloudError | None:
    """Return the error for a key that Nova has and this cloud has not (400), or that Nova has removed (410)."""
    if key in NOT_OFFERED:
        return ActionNotOffered(what=NOT_OFFERED[key], action=key)
    return RemovedFromNova(what=REMOVED[key].capitalize()) if key in REMOVED else None


def of_run(*, pipeline: str, name: str) -> ServerAction | None:
    """Return the action that started a run of ``pipeline``, if one is known that may be done again."""
    row = ACTIONS.get(name)
    return row if row is not None and row.repeatable and pipeline in (row.pipeline, *row.variants) else None
