"""Actions that change a server's disks: rescue and rebuild."""

from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, ServerAction

RESCUE = ServerAction(
    name="rescue", key="rescue", rule="os-rescue", title="Rescue", icon="healing",
    explains="Shuts the guest down and boots it from a disk of its image or another, with its own disks beside "
    "it. An image that has hw_rescue_device or hw_rescue_bus leaves the names of the server's disks as they are.",
    body=bodies.RESCUE, arguments=bodies.rescue, answer="adminPass",
    vm_states=(states.ACTIVE, states.STOPPED, states.ERROR), task_state=states.RESCUING, pipeline="server.rescue",
    service="server_rescues.begin",
    button=Button(
        done="{server} is being rescued.", interrupts=True,
        explains="Shuts the guest down and boots it from a new disk of its image, with its own disks beside it.",
    ),
)  # fmt: skip
UNRESCUE = ServerAction(
    name="unrescue", key="unrescue", rule="os-unrescue", title="End the rescue", icon="settings_backup_restore",
    explains="Boots the guest from its own disk again. The rescue disk is removed.",
    vm_states=(states.RESCUED,), task_state=states.UNRESCUING, pipeline="server.unrescue", repeatable=True,
    button=Button(done="{server} is booted from its own disk again.", interrupts=True),
)  # fmt: skip
REBUILD = ServerAction(
    name="rebuild", key="rebuild", rule="servers:rebuild", title="Rebuild", icon="build",
    explains="Makes the server's local disks again from an image, on the same host. It keeps its id, ports and "
    "addresses. Everything on the disks is lost. A volume that it boots from keeps its content below 2.93, and gets "
    "that of the image from 2.93 on.",
    body=bodies.REBUILD, arguments=bodies.as_given, answer="server",
    vm_states=(states.ACTIVE, states.STOPPED, states.ERROR), task_state=states.REBUILDING,
    task_states=(states.REBUILD_SPAWNING,), pipeline="server.rebuild", variants=("server.rebuild_volume",),
    service="server_rebuilds.begin",
    button=Button(
        done="{server} is being rebuilt.", confirm="Rebuild {server}", asks=("imageRef",), destroys=True,
    ),
)  # fmt: skip
