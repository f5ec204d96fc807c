"""Actions on the guest, its record and its life."""

from apps.common.microversions import since
from apps.common.policy import ADMIN
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, Hard, ServerAction

RETRY = ServerAction(
    name="retry", rule="os-admin-actions:reset_state", who=ADMIN, title="Build again", icon="replay",
    explains="Builds the server again from the original request, if its build failed. Uses no extra quota; hosts that "
    "failed before may be tried again.",
    vm_states=(states.ERROR,), task_state=states.SCHEDULING,
    task_states=(states.NETWORKING, states.BLOCK_DEVICE_MAPPING, states.SPAWNING),
    pipeline="server.build", service="instance_actions.retry",
    button=Button(done="{server} is being built again."),
)  # fmt: skip
CANCEL = ServerAction(
    name="cancel", rule="os-admin-actions:reset_state", who=ADMIN, title="Cancel", icon="cancel",
    explains="Stops the running action and undoes its changes. A build ends in ERROR; after a power action the state "
    "is read from the host.",
    service="instance_actions.cancel",
    button=Button(done="Cancelled '{result}' of {server}. Its changes are being undone.", interrupts=True),
)  # fmt: skip
START = ServerAction(
    name="start", key="os-start", rule="servers:start", title="Start", icon="play_arrow",
    explains="Powers the guest on.",
    vm_states=(states.STOPPED,), task_state=states.POWERING_ON, pipeline="server.start", repeatable=True,
    button=Button(done="{server} is being started."),
)  # fmt: skip
STOP = ServerAction(
    name="stop", key="os-stop", rule="servers:stop", title="Stop", icon="stop",
    explains="Asks the guest to shut down, and powers it off if it does not.",
    vm_states=(states.ACTIVE, states.ERROR), task_state=states.POWERING_OFF, pipeline="server.stop", repeatable=True,
    button=Button(done="{server} is being stopped.", interrupts=True),
)  # fmt: skip
PAUSE = ServerAction(
    name="pause", key="pause", rule="os-pause-server:pause", title="Pause", icon="pause",
    explains="Freezes the guest's processors. It keeps its memory on the host until it is unpaused.",
    vm_states=(states.ACTIVE,), task_state=states.PAUSING, pipeline="server.pause", repeatable=True,
    button=Button(done="{server} is being paused.", interrupts=True),
)  # fmt: skip
UNPAUSE = ServerAction(
    name="unpause", key="unpause", rule="os-pause-server:unpause", title="Unpause", icon="play_arrow",
    explains="Lets the paused guest run on. If a disk failed or was full, mend that first.",
    vm_states=(states.PAUSED,), task_state=states.UNPAUSING, pipeline="server.unpause", repeatable=True,
    button=Button(done="{server} is being unpaused."),
)  # fmt: skip
SUSPEND = ServerAction(
    name="suspend", key="suspend", rule="os-suspend-server:suspend", title="Suspend", icon="bedtime",
    explains="Saves the guest's memory on its host's disk and powers it off. Resume continues it where it was, also "
    "after a restart of the host.",
    vm_states=(states.ACTIVE,), task_state=states.SUSPENDING, pipeline="server.suspend", repeatable=True,
    button=Button(done="{server} is being suspended.", interrupts=True),
)  # fmt: skip
RESUME = ServerAction(
    name="resume", key="resume", rule="os-suspend-server:resume", title="Resume", icon="wb_sunny",
    explains="Continues a suspended guest from its saved memory.",
    vm_states=(states.SUSPENDED,), task_state=states.RESUMING, pipeline="server.resume", repeatable=True,
    button=Button(done="{server} is being resumed."),
)  # fmt: skip
CRASH_DUMP = ServerAction(
    name="trigger_crash_dump", key="trigger_crash_dump", versions=since("2.17"), rule="servers:trigger_crash_dump",
    title="Trigger a crash dump", icon="emergency",
    explains="Sends the guest a non-maskable interrupt. A kernel that is set up for it writes a dump and restarts.",
    vm_states=(states.ACTIVE, states.PAUSED, states.RESCUED, states.ERROR), pipeline="server.crash_dump",
)  # fmt: skip
REBOOT = ServerAction(
    name="reboot", key="reboot", rule="servers:reboot", title="Reboot", icon="restart_alt",
    explains="Restarts the guest. SOFT asks it first and falls back to HARD; HARD powers it off and on.",
    body=bodies.REBOOT, arguments=bodies.hard, defaults={"hard": True},
    vm_states=(states.ACTIVE,), task_state=states.REBOOTING,
    hard=Hard(
        vm_states=(states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED, states.ERROR),
        task_state=states.REBOOTING_HARD,
        after=(  # nova/compute/task_states.py, ALLOW_REBOOT
            states.REBOOTING, states.REBOOTING_HARD, states.PAUSING, states.UNPAUSING, states.SUSPENDING,
            states.RESUMING,
        ),
    ),
    pipeline="server.reboot", repeatable=True,
    button=Button(
        title="Hard reboot", done="{server} is being rebooted.", interrupts=True,
        explains="Powers the guest off and on without asking it. Data that the guest has not written to disk is lost.",
    ),
)  # fmt: skip
RESET_STATE = ServerAction(
    name="resetState", key="os-resetState", rule="os-admin-actions:reset_state", who=ADMIN, title="Reset state",
    icon="rule_settings",
    explains="Sets the recorded state, cancels any running action, and changes nothing on the host. Use it when the "
    "record is wrong and the host is right.",
    body=bodies.STATE, arguments=bodies.as_given, service="server_actions.reset_state",
    button=Button(
        done="Set the state of {server} to {state}.", confirm="Reset the state of {server}", interrupts=True,
    ),
)  # fmt: skip
DELETE = ServerAction(
    name="delete", rule="servers:delete", title="Delete", icon="delete",
    explains="Deletes the guest, its disks, ports and addresses, whatever its state. With "
    "CELERITY_RECLAIM_INSTANCE_INTERVAL the guest is powered off, and deleted after that time; else at once.",
    pipeline="server.delete", variants=("server.delete_moving", "server.soft_delete"), service="soft_deletes.delete",
    recorded=True,
    repeatable=True,
    button=Button(done="{server} is being deleted.", destroys=True),
)  # fmt: skip
FORCE_DELETE = ServerAction(
    name="forceDelete", key="forceDelete", rule="os-deferred-delete:force", title="Force delete", icon="delete_forever",
    explains="Deletes the server at once, also one that waits for a restore. This cannot be undone.",
    pipeline="server.delete", variants=("server.delete_moving",), service="servers.delete",
    defaults={"action": "forceDelete"}, arguments=lambda body: {"action": "forceDelete"}, repeatable=True,
)  # fmt: skip
RESTORE = ServerAction(
    name="restore", key="restore", rule="os-deferred-delete:restore", title="Restore", icon="restore_from_trash",
    explains="Brings a deleted server back and powers it on, as long as it was not reclaimed. It counts against the "
    "quota again.",
    vm_states=(states.SOFT_DELETED,), task_state=states.RESTORING, pipeline="server.restore",
    service="soft_deletes.restore", repeatable=True, button=Button(done="{server} is being restored."),
)  # fmt: skip
LOCK = ServerAction(
    name="lock", key="lock", rule="os-lock-server:lock", title="Lock", icon="lock",
    explains="Refuses the actions of everybody but administrators until the server is unlocked.",
    body=bodies.LOCK, body_versions=since("2.73"), arguments=bodies.reason, service="servers.lock",
)  # fmt: skip
UNLOCK = ServerAction(
    name="unlock", key="unlock", rule="os-lock-server:unlock", title="Unlock", icon="lock_open",
    explains="Allows the actions of the server's project again.",
    service="servers.unlock",
)  # fmt: skip
CONSOLE_OUTPUT = ServerAction(
    name="getConsoleOutput", key="os-getConsoleOutput", rule="os-console-output", title="Show the console's text",
    icon="terminal", explains="Answers with the last lines that the guest wrote to its serial console.",
    body=bodies.CONSOLE, arguments=bodies.lines, answer="output", service="console.output", changes=False,
)  # fmt: skip
