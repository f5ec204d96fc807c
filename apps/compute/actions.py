"""The catalogue of server actions: one row for everything that is done to a server.

The API's action call and its description (OpenAPI), the policy rules, the operators' buttons, "Try again", the legal
task states and docs/server-actions.md are made from these rows. A new action is one row here, and one pipeline or
service function; an action of Nova's that is not offered is a line in ``NOT_OFFERED``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.common.exceptions import CloudError
from apps.common.microversions import Range, since
from apps.common.policy import ADMIN, PROJECT_MEMBER
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.action_bodies import Schema
from apps.compute.exceptions import ActionNotOffered, RemovedFromNova

SERVICE_RULES = "os_compute_api:"
ALWAYS = since("2.1")
CREATE = "create"  # the action of a first build, which POST /servers starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Hard:
    """How an action without regard for the guest differs: its states, and the task states of runs that it replaces."""

    vm_states: tuple[str, ...]
    task_state: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """How operators' pages show an action; it is done with the row's ``defaults``.

    ``done`` is the sentence afterwards, with the ``{server}``'s name, the arguments and the service's ``{result}``.
    ``interrupts`` somebody's work, or ``destroys`` something for good. ``confirm`` asks for it on the page before it;
    ``title`` and ``explains`` replace the row's.
    """

    done: str
    confirm: str = ""
    title: str = ""
    explains: str = ""
    interrupts: bool = False
    destroys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerAction:
    """One thing that is done to a server.

    ``name`` is the one that os-instance-actions shows; ``key`` is the one of POST /servers/{id}/action ("": not done
    by that call), in ``versions``. ``rule`` guards it, with ``who`` as its default, and so do ``others``, rules of
    other services. ``body`` is the schema of the key's value, ``arguments`` makes the service's keyword arguments from
    it; ``defaults`` are those of a button or of a run that is tried again. ``answer`` is the key of a 200 document;
    without one the answer is an empty 202.

    ``vm_states`` admit it while no task is under way (nova/compute/api.py, check_instance_state); None: any state. It
    enters ``task_state`` and starts ``pipeline`` on the server's host, whose later steps enter ``task_states`` in this
    order; in a pipeline with several hosts the server's has ``host_role``. ``variants`` are pipelines that its service
    starts in some states instead. ``service`` ("module.function" of the services) does that, or the common way
    (server_actions.begin) without one. ``changes`` is False where it only reads: such a service takes no context.
    ``recorded``: the service itself writes the audit event.
    """

    name: str
    title: str
    icon: str
    explains: str
    rule: str
    who: str = PROJECT_MEMBER
    others: tuple[str, ...] = ()
    key: str = ""
    versions: Range = ALWAYS
    body: Schema = field(default_factory=lambda: bodies.ANYTHING)
    arguments: Callable[[Any], dict[str, Any]] = lambda body: {}
    defaults: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    vm_states: tuple[str, ...] | None = None
    task_state: str = ""
    task_states: tuple[str, ...] = ()
    hard: Hard | None = None
    pipeline: str = ""
    variants: tuple[str, ...] = ()
    host_role: str = ""
    service: str = ""
    changes: bool = True
    recorded: bool = False
    repeatable: bool = False
    button: Button | None = None

    @property
    def policy(self) -> str:
        return SERVICE_RULES + self.rule

    @property
    def event(self) -> str:
        """Return its name in the audit trail."""
        return f"server.{self.key or self.name}"

    def admission(self, *, hard: bool = False) -> tuple[tuple[str, ...] | None, str]:
        """Return the vm_states that admit it, and the task_state that it enters."""
        return (self.hard.vm_states, self.hard.task_state) if hard and self.hard else (self.vm_states, self.task_state)

    def replaces(self, *, hard: bool = False) -> tuple[str, ...]:
        """Return the task_states in which it cancels the run under way and begins."""
        return self.hard.after if hard and self.hard else ()


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
UNPAUSE = ServerAction(
    name="unpause", key="unpause", rule="os-pause-server:unpause", title="Unpause", icon="play_arrow",
    explains="Lets the paused guest run on. If a disk failed or was full, mend that first.",
    vm_states=(states.PAUSED,), task_state=states.UNPAUSING, pipeline="server.unpause", repeatable=True,
    button=Button(done="{server} is being unpaused."),
)  # fmt: skip
REBOOT = ServerAction(
    name="reboot", key="reboot", rule="servers:reboot", title="Reboot", icon="restart_alt",
    explains="Restarts the guest. SOFT asks it first and falls back to HARD; HARD powers it off and on.",
    body=bodies.REBOOT, arguments=bodies.hard, defaults={"hard": True},
    vm_states=(states.ACTIVE,), task_state=states.REBOOTING,
    hard=Hard(
        vm_states=(states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED, states.ERROR),
        task_state=states.REBOOTING_HARD,
        after=(states.REBOOTING, states.REBOOTING_HARD, states.UNPAUSING),  # nova/compute/task_states.py, ALLOW_REBOOT
    ),
    pipeline="server.reboot", repeatable=True,
    button=Button(
        title="Hard reboot", done="{server} is being rebooted.", interrupts=True,
        explains="Powers the guest off and on without asking it. Data that the guest has not written to disk is lost.",
    ),
)  # fmt: skip
MIGRATE = ServerAction(
    name="migrate", rule="os-migrate-server:migrate", who=ADMIN, title="Migrate", icon="moving",
    explains="Moves the server to another host that the scheduler chooses; the guest is off meanwhile.",
    vm_states=(states.ACTIVE, states.STOPPED), task_state=states.RESIZE_PREP, pipeline="server.migrate",
    task_states=(states.RESIZE_MIGRATING, states.RESIZE_FINISH), host_role="source",
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
    explains="Deletes the guest, its disks, ports and addresses, whatever its state. This cannot be undone.",
    pipeline="server.delete", variants=("server.delete_moving",), service="servers.delete", recorded=True,
    repeatable=True,
    button=Button(done="{server} is being deleted.", destroys=True),
)  # fmt: skip
FORCE_DELETE = ServerAction(
    name="forceDelete", key="forceDelete", rule="os-deferred-delete:force", title="Force delete", icon="delete_forever",
    explains="Deletes the server. Deletes are never deferred here: it does what a delete does.",
    pipeline="server.delete", variants=("server.delete_moving",), service="servers.delete",
    defaults={"action": "forceDelete"}, arguments=lambda body: {"action": "forceDelete"}, repeatable=True,
)  # fmt: skip
LOCK = ServerAction(
    name="lock", key="lock", rule="os-lock-server:lock", title="Lock", icon="lock",
    explains="Refuses the actions of everybody but administrators until the server is unlocked.",
    body=bodies.LOCK, arguments=bodies.reason, service="servers.lock",
)  # fmt: skip
UNLOCK = ServerAction(
    name="unlock", key="unlock", rule="os-lock-server:unlock", title="Unlock", icon="lock_open",
    explains="Allows the actions of the server's project again.",
    service="servers.unlock",
)  # fmt: skip
ADD_GROUP = ServerAction(
    name="addSecurityGroup", key="addSecurityGroup", rule="os-security-groups:add", title="Add a security group",
    others=("update_port",), icon="add_moderator", explains="Gives all ports of the server a security group.",
    body=bodies.GROUP, arguments=bodies.as_given, service="server_security_groups.add",
)  # fmt: skip
REMOVE_GROUP = ServerAction(
    name="removeSecurityGroup", key="removeSecurityGroup", rule="os-security-groups:remove", others=("update_port",),
    title="Remove a security group", icon="remove_moderator",
    explains="Takes a security group from all ports of the server.",
    body=bodies.GROUP, arguments=bodies.as_given, service="server_security_groups.remove",
)  # fmt: skip
ADD_FLOATING_IP = ServerAction(
    name="addFloatingIp", key="addFloatingIp", versions=since("2.1", "2.43"), rule="os-floating-ips:add",
    others=("update_floatingip",), title="Add a floating IP", icon="add_location",
    explains="Leads a floating IP of the project to one of the server's addresses.",
    body=bodies.ADDED_ADDRESS, arguments=bodies.as_given, service="server_floating_ips.add",
)  # fmt: skip
REMOVE_FLOATING_IP = ServerAction(
    name="removeFloatingIp", key="removeFloatingIp", versions=since("2.1", "2.43"), rule="os-floating-ips:remove",
    others=("update_floatingip",), title="Remove a floating IP", icon="location_off",
    explains="Disassociates a floating IP from the server; the project keeps it.",
    body=bodies.REMOVED_ADDRESS, arguments=bodies.as_given, service="server_floating_ips.remove",
)  # fmt: skip
_WITH_GUEST = (states.ACTIVE, states.PAUSED, states.STOPPED)
ATTACH_INTERFACE = ServerAction(
    name="attach_interface", rule="os-attach-interfaces:create", title="Attach an interface", icon="settings_ethernet",
    explains="Plugs a network card into the server, also while it runs: with a new port on a network, or with a given "
    "one.",
    vm_states=_WITH_GUEST, pipeline="server.attach_interface", service="interfaces.attach",
)  # fmt: skip
DETACH_INTERFACE = ServerAction(
    name="detach_interface", rule="os-attach-interfaces:delete", title="Detach an interface", icon="link_off",
    explains="Unplugs a network card once the guest has released it. A port that was made for the server is deleted; "
    "others become free.",
    vm_states=_WITH_GUEST, pipeline="server.detach_interface", arguments=bodies.as_given, service="interfaces.detach",
)  # fmt: skip
ADD_FIXED_IP = ServerAction(
    name="addFixedIp", key="addFixedIp", versions=since("2.1", "2.43"), rule="os-multinic:add", title="Add a fixed IP",
    icon="add_circle", explains="Gives the server's port on a network one more address of it.",
    vm_states=_WITH_GUEST, body=bodies.NETWORK, arguments=bodies.network, service="server_fixed_ips.add",
)  # fmt: skip
REMOVE_FIXED_IP = ServerAction(
    name="removeFixedIp", key="removeFixedIp", versions=since("2.1", "2.43"), rule="os-multinic:remove",
    title="Remove a fixed IP", icon="do_not_disturb_on",
    explains="Takes an address from the server's port that has it.",
    vm_states=_WITH_GUEST, body=bodies.REMOVED_ADDRESS, arguments=bodies.as_given, service="server_fixed_ips.remove",
)  # fmt: skip
INJECT_NETWORK_INFO = ServerAction(
    name="injectNetworkInfo", key="injectNetworkInfo", rule="os-admin-actions:inject_network_info", who=ADMIN,
    title="Program the network again", icon="sync",
    explains="Has the network engine program the server's ports again.",
    service="interfaces.program",
)  # fmt: skip
CONSOLE_OUTPUT = ServerAction(
    name="getConsoleOutput", key="os-getConsoleOutput", rule="os-console-output", title="Show the console's text",
    icon="terminal", explains="Answers with the last lines that the guest wrote to its serial console.",
    body=bodies.CONSOLE, arguments=bodies.lines, answer="output", service="console.output", changes=False,
)  # fmt: skip

ACTIONS: dict[str, ServerAction] = {
    row.name: row
    for row in (
        RETRY, CANCEL, START, STOP, UNPAUSE, REBOOT, MIGRATE, RESET_STATE, DELETE, FORCE_DELETE, LOCK, UNLOCK,
        ADD_GROUP, REMOVE_GROUP, ADD_FLOATING_IP, REMOVE_FLOATING_IP, ATTACH_INTERFACE, DETACH_INTERFACE,
        ADD_FIXED_IP, REMOVE_FIXED_IP, INJECT_NETWORK_INFO, CONSOLE_OUTPUT,
    )
}  # fmt: skip
# Nova's keys of POST /servers/{id}/action that this cloud does not have, by the feature that is missing.
NOT_OFFERED: dict[str, str] = {
    "changePassword": "changing passwords in guests",
    "confirmResize": "resize of servers",
    "createBackup": "backups of servers",
    "createImage": "snapshots of servers",
    "evacuate": "evacuation of servers",
    "migrate": "migration of servers",
    "os-getMKSConsole": "remote consoles",
    "os-getRDPConsole": "remote consoles",
    "os-getSPICEConsole": "remote consoles",
    "os-getSerialConsole": "remote consoles",
    "os-getVNCConsole": "remote consoles",
    "os-migrateLive": "migration of servers",
    "pause": "pausing of servers",
    "rebuild": "rebuild of servers",
    "rescue": "rescue of servers",
    "resize": "resize of servers",
    "restore": "restoring deleted servers",
    "resume": "suspension of servers",
    "revertResize": "resize of servers",
    "shelve": "shelving of servers",
    "shelveOffload": "shelving of servers",
    "suspend": "suspension of servers",
    "trigger_crash_dump": "crash dumps of servers",
    "unrescue": "rescue of servers",
    "unshelve": "shelving of servers",
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
        if path:
            entered[path[0]].update(dict.fromkeys(path))
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
