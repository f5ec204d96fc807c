"""vm_state, task_state and power_state: Nova's vocabulary, the legal moves, and the status the API derives."""

SUBJECT = "server"  # the type of the subject in rows of workflow

# vm_state
BUILDING = "building"
ACTIVE = "active"
STOPPED = "stopped"
ERROR = "error"
DELETED = "deleted"
PAUSED = "paused"
SUSPENDED = "suspended"
RESCUED = "rescued"
SOFT_DELETED = "soft-delete"
SHELVED = "shelved"
SHELVED_OFFLOADED = "shelved_offloaded"
RESIZED = "resized"  # on its new host or flavor, and to be confirmed or reverted
SETTLED = (ACTIVE, STOPPED, PAUSED, SUSPENDED, RESCUED, RESIZED)  # with a guest, and its files, on a host
ON_OR_OFF = (RESCUED, RESIZED)  # a server stays so whether its guest is on or off
VM_STATES = [(s, s) for s in (*SETTLED, SHELVED, SHELVED_OFFLOADED, BUILDING, ERROR, SOFT_DELETED, DELETED)]

# task_state ("" is none)
SCHEDULING = "scheduling"
NETWORKING = "networking"
BLOCK_DEVICE_MAPPING = "block_device_mapping"
SPAWNING = "spawning"
POWERING_ON = "powering-on"
POWERING_OFF = "powering-off"
REBOOTING = "rebooting"
REBOOTING_HARD = "rebooting_hard"
PAUSING = "pausing"
UNPAUSING = "unpausing"
SUSPENDING = "suspending"
RESUMING = "resuming"
RESCUING = "rescuing"
UNRESCUING = "unrescuing"
REBUILDING = "rebuilding"
REBUILD_SPAWNING = "rebuild_spawning"
SOFT_DELETING = "soft-deleting"
RESTORING = "restoring"
MIGRATING = "migrating"
RESIZE_PREP = "resize_prep"
RESIZE_MIGRATING = "resize_migrating"
RESIZE_FINISH = "resize_finish"
RESIZE_CONFIRMING = "resize_confirming"
RESIZE_REVERTING = "resize_reverting"
SHELVING = "shelving"
SHELVING_IMAGE_PENDING_UPLOAD = "shelving_image_pending_upload"
SHELVING_IMAGE_UPLOADING = "shelving_image_uploading"
SHELVING_OFFLOADING = "shelving_offloading"
UNSHELVING = "unshelving"
IMAGE_SNAPSHOT_PENDING = "image_snapshot_pending"
IMAGE_SNAPSHOT = "image_snapshot"
IMAGE_UPLOADING = "image_uploading"
IMAGE_BACKUP = "image_backup"
UPDATING_PASSWORD = "updating_password"  # noqa: S105 - a task's name
DELETING = "deleting"

# power_state: nova/objects/fields.py, InstancePowerState
POWER_STATES = {"nostate": 0, "running": 1, "paused": 3, "shutdown": 4, "crashed": 6, "suspended": 7}
NOSTATE, RUNNING, SHUTDOWN = 0, 1, 4
_OF_GUESTS = {"running": ACTIVE, "paused": PAUSED, "suspended": SUSPENDED}

_STATUS = {
    ACTIVE: "ACTIVE",
    BUILDING: "BUILD",
    STOPPED: "SHUTOFF",
    PAUSED: "PAUSED",
    SUSPENDED: "SUSPENDED",
    RESCUED: "RESCUE",
    RESIZED: "VERIFY_RESIZE",
    ERROR: "ERROR",
    SOFT_DELETED: "SOFT_DELETED",
    SHELVED: "SHELVED",
    SHELVED_OFFLOADED: "SHELVED_OFFLOADED",
    DELETED: "DELETED",
}
_STATUS_BY_TASK = {(ACTIVE, REBOOTING): "REBOOT", (ACTIVE, REBOOTING_HARD): "HARD_REBOOT"}
_STATUS_BY_TASK |= {(state, MIGRATING): "MIGRATING" for state in (ACTIVE, PAUSED)}
_RESIZING = (RESIZE_PREP, RESIZE_MIGRATING, RESIZE_FINISH)
_STATUS_BY_TASK |= {(state, task): "RESIZE" for state in (ACTIVE, STOPPED) for task in _RESIZING}
_STATUS_BY_TASK[RESIZED, RESIZE_FINISH] = "RESIZE"  # confirm and revert are refused until the task is over
_STATUS_BY_TASK |= {(state, RESIZE_REVERTING): "REVERT_RESIZE" for state in (RESIZED, ACTIVE, STOPPED)}
_STATUS_BY_TASK |= {(state, REBOOTING_HARD): "HARD_REBOOT" for state in (STOPPED, ERROR, PAUSED, SUSPENDED)}

_STATUS_BY_TASK |= {
    (state, task): "REBUILD" for state in (ACTIVE, STOPPED, ERROR) for task in (REBUILDING, REBUILD_SPAWNING)
}


def vm_state_of(power_state: str | None, vm_state: str = "") -> str:
    """Return the vm_state of a server whose guest is in the power state that its host reports; None: it has no domain.

    A guest that crashed, or of which the host knows nothing more, is stopped. ``ON_OR_OFF`` servers stay so.
    """
    if vm_state in ON_OR_OFF:
        return vm_state
    return _OF_GUESTS.get(power_state or "shutdown", STOPPED)


def status(vm_state: str, task_state: str) -> str:
    """Return the API's status (nova/api/openstack/common.py, _STATE_MAP)."""
    return _STATUS_BY_TASK.get((vm_state, task_state)) or _STATUS[vm_state]


def states_of(wanted: str) -> tuple[list[str], list[str] | None]:
    """Return (vm_states, task_states or None for any) of a status; no vm_states when there is no such status."""
    wanted = wanted.upper()
    tasks = [task for (_, task), name in _STATUS_BY_TASK.items() if name == wanted]
    if tasks:
        return [vm for (vm, _), name in _STATUS_BY_TASK.items() if name == wanted], sorted(set(tasks))
    return [vm for vm, name in _STATUS.items() if name == wanted], None


# Policies of server groups: the soft ones only prefer.
AFFINITY, ANTI_AFFINITY = "affinity", "anti-affinity"
HARD_POLICIES = (ANTI_AFFINITY, AFFINITY)
GROUP_POLICIES = (*HARD_POLICIES, "soft-anti-affinity", "soft-affinity")
