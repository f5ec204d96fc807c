"""Actions on a server's volumes."""

from apps.common.policy import ADMIN
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import ServerAction

_WITH_GUEST = (
    states.ACTIVE, states.PAUSED, states.STOPPED, states.RESIZED, states.SHELVED, states.SHELVED_OFFLOADED,
)  # fmt: skip
ATTACH_VOLUME = ServerAction(
    name="attach_volume", rule="os-volumes-attachments:create", title="Attach a volume", icon="add_box",
    explains="Plugs a volume into the server, also while it runs. The disk's serial number is the volume's ID.",
    vm_states=_WITH_GUEST, pipeline="server.attach_volume", arguments=bodies.as_given,
    service="volume_attachments.attach",
)  # fmt: skip
SWAP_VOLUME = ServerAction(
    name="swap_volume", rule="os-volumes-attachments:swap", title="Swap a volume", icon="swap_horiz", who=ADMIN,
    explains="Puts another volume in the place of one that the server has. The data is copied while the guest runs.",
    vm_states=(states.ACTIVE, states.PAUSED, states.RESIZED, states.STOPPED), pipeline="server.swap_volume",
    arguments=bodies.as_given, service="volume_swaps.swap",
)  # fmt: skip
DETACH_VOLUME = ServerAction(
    name="detach_volume", rule="os-volumes-attachments:delete", title="Detach a volume", icon="eject",
    explains="Unplugs a volume once the guest has released it. Its data stays.",
    vm_states=_WITH_GUEST, pipeline="server.detach_volume", arguments=bodies.as_given,
    service="volume_attachments.detach",
)  # fmt: skip
