"""Actions that bring a server to another host or to another flavor."""

from apps.common.microversions import since
from apps.common.policy import PROJECT_MANAGER
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, ServerAction

_ON_HOST = (states.ACTIVE, states.STOPPED)
FROM_DEAD = "server.return_from_dead"
_TASKS = (states.RESIZE_MIGRATING, states.RESIZE_FINISH)
MIGRATE = ServerAction(
    name="migrate", key="migrate", rule="os-migrate-server:migrate", who=PROJECT_MANAGER, title="Migrate",
    icon="moving",
    explains="Moves the server to another host, which the scheduler chooses or the request names (2.56). The guest is "
    "off meanwhile; then it is to be confirmed or reverted.",
    body=bodies.MIGRATE, body_versions=since("2.56"), arguments=bodies.host,
    vm_states=_ON_HOST, task_state=states.RESIZE_PREP, task_states=_TASKS, pipeline="server.migrate",
    host_role="source", service="server_moves.migrate", repeatable=True,
    button=Button(
        done="{server} is being migrated.", confirm="Migrate {server}", asks=("host",), interrupts=True,
    ),
)  # fmt: skip
RESIZE = ServerAction(
    name="resize", key="resize", rule="servers:resize", title="Resize", icon="open_in_full",
    explains="Gives the server another flavor, on its host or another. The guest is off meanwhile; then it is to be "
    "confirmed or reverted. Its disk never gets smaller.",
    body=bodies.RESIZE, arguments=bodies.resize,
    vm_states=_ON_HOST, task_state=states.RESIZE_PREP, task_states=_TASKS, pipeline="server.migrate",
    host_role="source", service="server_moves.resize",
    button=Button(
        done="{server} is being resized.", confirm="Resize {server}", asks=("flavorRef",), interrupts=True,
    ),
)  # fmt: skip
CONFIRM_RESIZE = ServerAction(
    name="confirmResize", key="confirmResize", code=204, rule="servers:confirm_resize", title="Confirm the resize",
    icon="done_all",
    explains="Keeps the server on its new host or flavor. What is held for a return is given back.",
    vm_states=(states.RESIZED,), task_state=states.RESIZE_CONFIRMING, pipeline="server.confirm_resize",
    service="server_moves.confirm", repeatable=True,
    button=Button(done="The resize of {server} is being confirmed."),
)  # fmt: skip
REVERT_RESIZE = ServerAction(
    name="revertResize", key="revertResize", rule="servers:revert_resize", title="Revert the resize", icon="undo",
    explains="Brings the server back to the host and the flavor of before, with its disks as they were then.",
    vm_states=(states.RESIZED,), task_state=states.RESIZE_REVERTING, pipeline="server.revert_resize",
    variants=(FROM_DEAD,), host_role="source", service="server_moves.revert", repeatable=True,
    button=Button(done="The resize of {server} is being reverted.", interrupts=True),
)  # fmt: skip
