"""Actions that put a server aside: its disk in the image store, its host's capacity given back."""

from apps.common.microversions import since
from apps.common.policy import ADMIN
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, ServerAction

SHELVE = ServerAction(
    name="shelve", key="shelve", rule="os-shelve:shelve", title="Shelve", icon="shelves",
    explains="Powers the guest off and keeps its disk as an image. After CELERITY_SHELVED_OFFLOAD_TIME its host gets "
    "the capacity back; the server keeps its id, ports, addresses and volumes, and counts against the quota.",
    vm_states=(states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED), task_state=states.SHELVING,
    task_states=(
        states.SHELVING_IMAGE_PENDING_UPLOAD, states.SHELVING_IMAGE_UPLOADING, states.SHELVING_OFFLOADING,
    ),
    pipeline="server.shelve", service="shelving.shelve", repeatable=True,
    button=Button(done="{server} is being shelved.", interrupts=True),
)  # fmt: skip
SHELVE_OFFLOAD = ServerAction(
    name="shelveOffload", key="shelveOffload", rule="os-shelve:shelve_offload", who=ADMIN, title="Offload",
    icon="cloud_upload", explains="Takes a shelved server from its host, which gets the capacity back.",
    vm_states=(states.SHELVED,), task_state=states.SHELVING_OFFLOADING, pipeline="server.shelve_offload",
    repeatable=True, button=Button(done="{server} is being taken from its host."),
)  # fmt: skip
UNSHELVE = ServerAction(
    name="unshelve", key="unshelve", rule="os-shelve:unshelve", title="Unshelve", icon="unarchive",
    explains="Starts a shelved server: on its host, or on one that the scheduler chooses, from the image of its disk. "
    "A zone (2.77) or a host (2.91) may be named.",
    body=bodies.UNSHELVE, body_versions=since("2.77"),
    bodies={since("2.77", "2.90"): bodies.UNSHELVE_TO_ZONE}, arguments=bodies.unshelve,
    vm_states=(states.SHELVED, states.SHELVED_OFFLOADED), task_state=states.UNSHELVING, task_states=(states.SPAWNING,),
    pipeline="server.unshelve", variants=("server.unshelve_on_host",), service="shelving.unshelve", repeatable=True,
    button=Button(done="{server} is being unshelved."),
)  # fmt: skip
